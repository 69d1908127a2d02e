"""A language model as labeller, against a server of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from chat_server import ChatServer, Reply, chat_server, completion

from petrg.anatomy import Region
from petrg.errors import OutputError, RemoteError
from petrg.evaluate.labels import llm_prompt
from petrg.evaluate.labels.files import write_labels
from petrg.evaluate.labels.label_set import Cell, Spot
from petrg.evaluate.labels.llm import Asked, Usage, ask, llm_labeller
from petrg.evaluate.labels.llm_answer import AnswerFault, read_answer
from petrg.evaluate.labels.llm_cache import cache_folder
from petrg.evaluate.labels.llm_prompt import answer_schema, messages, version
from petrg.remote import Answer, server
from petrg.report import Structure, Uptake

ZH = "肝右叶见结节，放射性摄取增高，SUVmax：8.1。"
EN = "Hypermetabolic nodule in the spleen, SUVmax 4.1."
SILENT = {"pet": "5", "ct": "8", "suv": None, "description": "", "pet_quote": "", "ct_quote": "", "suv_quote": ""}


def regions(**changed: dict[str, Any] | None) -> dict[str, Any]:
    """An answer of all regions; None takes one out."""
    named = {key.replace("_", "-"): value for key, value in changed.items()}
    whole = {r.value: SILENT | (named.get(r.value) or {}) for r in Region if named.get(r.value, SILENT) is not None}
    return whole


LIVER = {
    "pet": "1",
    "ct": "2",
    "suv": 8.1,
    "description": "结节",
    "pet_quote": "放射性摄取增高",
    "ct_quote": "肝右叶见结节",
    "suv_quote": "SUVmax：8.1",
}


@pytest.fixture
def remote() -> Iterator[ChatServer]:
    with chat_server() as running:
        running.answer = lambda body, count: completion(json.dumps(regions(liver=LIVER), ensure_ascii=False))
        yield running


Ask = Callable[..., Asked]


@pytest.fixture
def asked(remote: ChatServer) -> Ask:
    def run(texts: dict[str, str | None], **how: Any) -> Asked:
        return ask(texts, "model-x", server(remote.url, first_wait_s=0.0, attempts=3), **how)

    return run


# ------------------------------------------------------------------ the happy path
def test_labels_spans_and_usage(asked: Ask, remote: ChatServer) -> None:
    found = asked({"a": ZH, "blank": " ", "none": None, "b": ZH + "。"})
    labels = found.labels()
    assert list(labels.cases) == ["a", "b"]
    liver = labels.cases["a"][Region.LIVER]
    assert (liver.pet, liver.ct, liver.suv_max, liver.description) == (Uptake.HIGH, Structure.FOCAL_LESION, 8.1, "结节")
    assert [ZH[s.start : s.end] for part in liver.spots for s in part] == [
        "放射性摄取增高",
        "肝右叶见结节",
        "SUVmax：8.1",
    ]
    assert liver.rules == ("llm.quoted",) * 3
    heart = labels.cases["a"][Region.HEART]
    assert (heart.pet, heart.ct, heart.basis) == (None, None, ("silent", "silent", ""))
    assert found.usage == Usage(requests=2, tokens_in=2000, tokens_out=400)
    assert labels.labeller == llm_labeller("model-x") == f"llm model-x {version()}"
    assert labels.languages == {"a": "zh", "b": "zh"}


def test_what_is_asked(asked: Ask, remote: ChatServer) -> None:
    asked({"a": ZH, "b": EN}, workers=1)
    zh, en = remote.requests
    assert (zh["model"], zh["temperature"]) == ("model-x", 0)
    assert zh["response_format"]["json_schema"]["strict"] is True
    assert ZH in zh["messages"][1]["content"]
    assert "轻度或可疑" in zh["messages"][0]["content"]
    assert "mild or equivocal" in en["messages"][0]["content"]
    for region in Region:
        assert f"{region.value}: {region.title('zh')}" in zh["messages"][0]["content"]
        assert f"{region.value}: {region.title('en')}" in en["messages"][0]["content"]
    assert not any(mark in str(message) for message in zh["messages"] for mark in ("{regions}", "{text}"))


def test_a_text_with_marks_of_the_prompt_stays_itself() -> None:
    assert "{text} {regions}" in messages("{text} {regions}", "en")[1]["content"]
    assert messages("{text}", "en")[0] == messages("x", "en")[0]


def test_the_schema_takes_whole_answers_only() -> None:
    schema = answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(regions(liver=LIVER), schema)
    for wrong in (regions(liver=None), regions(liver={"pet": "6"}), regions(liver={"more": 1}), {**regions(), "x": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_prompt_states_the_label_table() -> None:
    from petrg.report.labels import STRUCTURE_PRIORITY, UPTAKE_PRIORITY

    pet = [str(int(u)) for u in UPTAKE_PRIORITY]
    ct = ", ".join(str(int(s)) for s in STRUCTURE_PRIORITY)
    english, chinese = messages("", "en")[0]["content"], messages("", "zh")[0]["content"]
    assert f"PET: {pet[0]} before {', '.join(pet[1:])}. CT: {ct}" in english
    assert f"PET 依次为 {'、'.join(pet)}；CT 依次为 {ct.replace(', ', '、')}" in chinese


# ------------------------------------------------------------------ answers that are none
def answer(content: object, **how: Any) -> Answer:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    facts = {"finish_reason": "stop", "refused": False, "tokens_in": 1, "tokens_out": 1} | how
    return Answer(text=text, **facts)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (answer("I cannot"), "no JSON"),
        (answer(""), "no JSON"),
        (answer("[" * 100_000), "no JSON"),
        (answer([1]), "no JSON object"),
        (answer('{"liver": {"pet": "1"}, "liver": {"pet": "5"}}'), "a key twice"),
        (answer(regions(liver=None)), "region liver is missing"),
        (answer({**regions(), "liver": "normal"}), "region liver is missing"),
        (answer(regions(spleen={"pet": "6"})), "region spleen has no PET class 1-5"),
        (answer(regions(spleen={"pet": None})), "region spleen has no PET class 1-5"),
        (answer(regions(spleen={"ct": "9"})), "region spleen has no CT class 1-8"),
        (answer(regions(spleen={"suv": -1})), "region spleen has no SUV"),
        (answer({**regions(), "spleen": {"pet": "1", "ct": "2"}}), "region spleen has no SUV"),
        (answer(regions(), finish_reason="length"), "cut off"),
        (answer(regions(), refused=True), "refused"),
    ],
)
def test_faults_of_an_answer(given: Answer, fault: str) -> None:
    with pytest.raises(AnswerFault, match=fault):
        read_answer(given, ZH)


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "```\n{}```", "<think>\n{{1}} hm\n</think>\n{}"])
def test_answers_in_a_fence_or_behind_thoughts(frame: str) -> None:
    assert read_answer(answer(frame.replace("{}", json.dumps(regions()))), ZH)[Region.LIVER].pet is None


def test_integers_and_zh_titles_are_taken() -> None:
    document = {Region(key).title("zh"): value for key, value in regions(liver={"pet": 2, "suv": "3.5"}).items()}
    cell = read_answer(answer(document), ZH)[Region.LIVER]
    assert (cell.pet, cell.suv_max, cell.rules[0]) == (Uptake.EQUIVOCAL, 3.5, "llm.unquoted")


def test_quotes_that_are_not_in_the_text_are_said_to_be() -> None:
    cells = read_answer(answer(regions(liver=LIVER | {"pet_quote": "高代谢"}, spleen={"pet_quote": "脾"})), ZH)
    assert cells[Region.LIVER].rules == ("llm.misquoted", "llm.quoted", "llm.quoted")
    assert cells[Region.LIVER].spots[0] == ()
    assert (cells[Region.SPLEEN].pet, cells[Region.SPLEEN].basis[0]) == (Uptake.NORMAL, "stated")
    assert cells[Region.LIVER].spots[1] == (Spot(0, 6),)


def test_one_more_try_with_the_fault_named(asked: Ask, remote: ChatServer) -> None:
    bad = json.dumps(regions(liver=None))
    good = json.dumps(regions(liver=LIVER), ensure_ascii=False)
    remote.answer = lambda body, count: completion(bad if count == 1 else good)
    found = asked({"a": ZH})
    assert found.labels().cases["a"][Region.LIVER].pet is Uptake.HIGH
    assert found.usage == Usage(requests=2, tokens_in=2000, tokens_out=400)
    again = remote.requests[1]["messages"]
    assert [m["role"] for m in again] == ["system", "user", "assistant", "user"]
    assert again[2]["content"] == bad
    assert "region liver is missing" in again[3]["content"]


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (completion("no"), "no JSON"),
        (completion(json.dumps(regions(liver=None))), "region liver is missing"),
        (completion(json.dumps(regions()), finish="length"), "cut off"),
        (completion(None, refusal="I will not"), "refused"),
        (completion(None, finish="content_filter"), "refused"),
        (completion(None), "no JSON"),
    ],
)
def test_a_partial_answer_is_an_error_never_normal(reply: Reply, fault: str, asked: Ask, remote: ChatServer) -> None:
    remote.answer = lambda body, count: reply
    found = asked({"x": None, "secret-id": ZH})
    assert len(remote.requests) == 2
    with pytest.raises(RemoteError, match=rf"1 of 1 reports have no labels; row 2: .*{fault}") as caught:
        found.labels()
    assert "secret-id" not in str(caught.value)
    assert "结节" not in str(caught.value)


def test_one_bad_report_does_not_lose_the_rest(asked: Ask, remote: ChatServer, tmp_path: Path) -> None:
    good = json.dumps(regions(liver=LIVER), ensure_ascii=False)
    remote.answer = lambda body, count: completion("no" if "BAD" in str(body["messages"][1]) else good)
    texts: dict[str, str | None] = {f"c{n}": f"{ZH}{n}" for n in range(8)} | {"c3": "BAD 肝"}
    found = asked(texts, cache=tmp_path)
    with pytest.raises(RemoteError, match="1 of 8 reports have no labels; row 4: no JSON"):
        found.labels()
    assert len(found.cases) == 7
    remote.requests.clear()
    again = asked(texts, cache=tmp_path)
    assert (again.usage.cached, len(remote.requests)) == (7, 2)


@pytest.mark.parametrize("kept", [True, False])
def test_answers_are_said_to_be_kept_only_where_they_are(
    kept: bool, asked: Ask, remote: ChatServer, tmp_path: Path
) -> None:
    remote.answer = lambda body, count: completion("no")
    with pytest.raises(RemoteError) as caught:
        asked({"a": ZH}, cache=tmp_path if kept else None).labels()
    assert ("answers so far are kept" in str(caught.value)) is kept


def test_half_characters_of_an_answer_reach_no_file(asked: Ask, remote: ChatServer, tmp_path: Path) -> None:
    dumped = json.dumps(regions(spleen={"pet": "5", "ct": "2", "description": "\ud800 low", "ct_quote": "\udfff"}))
    remote.answer = lambda body, count: completion("\ud800" if count == 1 else dumped)
    labels = asked({"a": ZH}, cache=tmp_path / "cache").labels()
    assert labels.cases["a"][Region.SPLEEN].description == "? low"
    write_labels(labels, tmp_path / "labels")


def test_five_bad_reports_end_it(asked: Ask, remote: ChatServer) -> None:
    remote.answer = lambda body, count: completion("no")
    found = asked({str(n): f"{ZH}{n}" for n in range(40)}, workers=1)
    assert 5 <= len(found.faults) <= 8  # the next may have begun before the fifth was read
    assert len(remote.requests) == 2 * len(found.faults)
    with pytest.raises(RemoteError, match="40 of 40 reports"):
        found.labels()


def test_a_refused_key_ends_it_without_another_try(asked: Ask, remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(401, {"error": {"code": "invalid_api_key"}})
    found = asked({str(n): f"{ZH}{n}" for n in range(40)}, workers=3)
    assert len(remote.requests) < 20  # those in flight, and those begun before the first refusal was read
    with pytest.raises(RemoteError, match=r"row \d: the server answered 401 Unauthorized"):
        found.labels()


def test_a_busy_server_is_waited_for(asked: Ask, remote: ChatServer) -> None:
    good = json.dumps(regions(liver=LIVER), ensure_ascii=False)
    first = [Reply(429, {}, {"Retry-After": "0"}), Reply(500, {}), completion(good)]
    remote.answer = lambda body, count: first[count - 1]
    assert asked({"a": ZH}).labels().cases["a"][Region.LIVER].pet is Uptake.HIGH


@pytest.mark.parametrize("workers", [1, 3])
def test_concurrency_is_bounded_and_order_kept(workers: int, asked: Ask, remote: ChatServer) -> None:
    def reply(body: dict[str, Any], count: int) -> Reply:
        text = body["messages"][1]["content"]
        number = text.split("case ")[1].split(" ")[0]
        out = completion(json.dumps(regions(liver={"suv": float(number), "pet": "1"})))
        out.wait_s = 0.01 * (12 - int(number)) / 12
        return out

    remote.answer = reply
    labels = asked({f"id{n}": f"case {n} liver" for n in range(12)}, workers=workers).labels()
    assert remote.most_at_once <= workers
    assert workers == 1 or remote.most_at_once > 1
    assert list(labels.cases) == [f"id{n}" for n in range(12)]
    assert [cells[Region.LIVER].suv_max for cells in labels.cases.values()] == [float(n) for n in range(12)]


def test_a_language_without_a_prompt(asked: Ask, remote: ChatServer) -> None:
    with pytest.raises(RemoteError, match="no prompt in 'fr'"):
        asked({"a": ZH}, language="fr")
    asked({"a": EN}, language="zh")
    assert "轻度或可疑" in remote.requests[0]["messages"][0]["content"]


# ------------------------------------------------------------------ the cache
def test_what_is_kept_is_not_asked_again(asked: Ask, remote: ChatServer, tmp_path: Path) -> None:
    first = asked({"a": ZH}, cache=tmp_path)
    second = asked({"other id": ZH}, cache=tmp_path)
    assert len(remote.requests) == 1
    assert second.usage == Usage(cached=1)
    assert first.labels().cases["a"] == second.labels().cases["other id"]


@pytest.mark.parametrize("change", ["text", "model", "prompt", "language"])
def test_what_decides_an_answer_is_asked_anew(
    change: str, asked: Ask, remote: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked({"a": ZH}, cache=tmp_path)
    if change == "model":
        ask({"a": ZH}, "model-y", server(remote.url), cache=tmp_path)
    elif change == "prompt":
        version.cache_clear()
        monkeypatch.setattr(llm_prompt, "PROMPT_VERSION", 2)
        asked({"a": ZH}, cache=tmp_path)
        version.cache_clear()
    else:
        asked({"a": ZH + " " * (change == "text")}, cache=tmp_path, language="en" if change == "language" else "auto")
    assert len(remote.requests) == 2


def test_every_word_of_the_prompt_is_in_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version()
    prompts = {code: dict(words) for code, words in llm_prompt._prompts().items()}
    prompts["zh"]["again"] += "!"
    version.cache_clear()
    monkeypatch.setattr(llm_prompt, "_prompts", lambda: prompts)
    assert version() != before
    version.cache_clear()


def test_no_report_is_in_the_cache(asked: Ask, tmp_path: Path) -> None:
    asked({"patient-7": ZH}, cache=tmp_path / "new")
    (kept,) = (tmp_path / "new").rglob("*.json")
    held = kept.read_text("utf-8")
    assert "放射性摄取增高" not in held
    assert "肝右叶" not in held
    assert "patient-7" not in held
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["", "{", "{}", "cut", "spans"])
def test_a_damaged_entry_is_asked_anew(damage: str, asked: Ask, remote: ChatServer, tmp_path: Path) -> None:
    asked({"a": ZH}, cache=tmp_path)
    (kept,) = tmp_path.rglob("*.json")
    document = json.loads(kept.read_text("utf-8"))
    if damage == "cut":
        del document["evidence"]["regions"]["liver"]
    if damage == "spans":
        document["evidence"]["regions"]["liver"]["pet"]["spans"] = [{"start": 0, "end": 999}]
    kept.write_text(json.dumps(document) if damage in ("cut", "spans") else damage)
    assert asked({"a": ZH}, cache=tmp_path).labels().cases["a"][Region.LIVER].pet is Uptake.HIGH
    assert len(remote.requests) == 2


def test_without_a_cache_nothing_is_kept(asked: Ask, remote: ChatServer) -> None:
    asked({"a": ZH})
    asked({"a": ZH})
    assert len(remote.requests) == 2


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "petrg" / "llm"
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == Path.home() / ".cache" / "petrg" / "llm"


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_asked(
    asked: Ask, remote: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--no-cache"):
        asked({"a": ZH}, cache=tmp_path / "file" / "llm")
    assert remote.requests == []


# ------------------------------------------------------------------ counts
def test_tokens_and_cost(asked: Ask, remote: ChatServer) -> None:
    plain = json.dumps(regions())
    remote.answer = lambda body, count: completion(plain, usage=count != 2)
    used = asked({str(n): f"{ZH}{n}" for n in range(3)}, workers=1).usage
    assert used == Usage(requests=3, tokens_in=2000, tokens_out=400, uncounted=1)
    assert used.cost(1.0, 10.0) == pytest.approx(2000e-6 + 4000e-6)


def test_cells_hold_what_a_label_file_holds(asked: Ask, tmp_path: Path) -> None:
    from petrg.evaluate.labels.files import read_labels, write_labels

    labels = asked({"a": ZH}).labels()
    write_labels(labels, tmp_path / "out")
    back = read_labels(tmp_path / "out", strict=True)
    assert (back.cases, back.labeller) == (labels.cases, labels.labeller)
    assert isinstance(back.cases["a"][Region.LIVER], Cell)
