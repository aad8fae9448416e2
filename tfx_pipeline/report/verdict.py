"""The first screen: how the run ended, why, and where the model is."""

from __future__ import annotations

import dataclasses
import json

from tfx_pipeline.metadata.run_record import NodeRun
from tfx_pipeline.report import file_names
from tfx_pipeline.report.run_facts import NodeFacts, RunFacts

GOOD, BAD, NEUTRAL = "good", "bad", "neutral"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a run ended.

    Attributes:
      kind: good, bad or neutral.
      title: a few words.
      sentence: what happened, in one or two sentences.
      findings: the reasons, one row each: subject, rule, found.
      not_run: the nodes that did not run because of it.
    """

    kind: str
    title: str
    sentence: str
    findings: tuple[dict[str, str], ...] = ()
    not_run: tuple[str, ...] = ()


def verdict(facts: RunFacts) -> Verdict:
    """The verdict of a run."""
    run = facts.run
    if run.state in ("failed", "refused", "canceled"):
        return _ended_early(facts)
    if run.state == "running":
        done = sum(_ended(node.run) for node in facts.nodes)
        return Verdict(
            NEUTRAL, "Still running", f"{done} of {len(facts.nodes)} nodes have ended so far."
        )
    if run.pushed_model:
        version = run.pushed_version
        if run.blessed:
            sentence = f"The model met all its thresholds and is pushed as version {version}."
            return Verdict(GOOD, "Blessed and pushed", sentence)
        return Verdict(
            GOOD, "Pushed", f"The model is pushed as version {version}. No threshold was checked."
        )
    if run.blessed:
        return Verdict(GOOD, "Blessed", "The model met all its thresholds. It was not pushed.")
    if run.blessed is False:
        return _ended_early(facts)
    return Verdict(NEUTRAL, "Complete", "No node failed. No model was judged.")


def _ended(run: NodeRun) -> bool:
    return run.state not in ("running",) and not (run.state == "skipped" and run.seconds == 0)


def _ended_early(facts: RunFacts) -> Verdict:
    """The first node that failed is the reason; what follows is a consequence."""
    failed = [n for n in facts.nodes if n.run.state in ("failed", "canceled")]
    if not failed and facts.run.state == "failed":
        return _not_started(facts)
    if not failed:
        return Verdict(BAD, "Not blessed", "The model missed its thresholds. Nothing was pushed.")
    node = next((n for n in failed if n.run.findings), failed[0])
    done, not_run = _done(facts), _not_run(facts)
    title = {
        "refused": "Not blessed" if _judges(node) else "Refused",
        "canceled": "Interrupted",
    }.get(facts.run.state, "Failed")
    if title != "Not blessed":
        title = f"{title} at {node.id}"
    reason = _sentence(node.run.error or "it gave no reason; see its log")
    ending = "Nothing was pushed." if not facts.run.pushed_model else ""
    sentence = f"{reason} {done} of {len(facts.nodes)} nodes ended well. {ending}".strip()
    return Verdict(BAD, title, sentence, node.run.findings, not_run)


def _not_started(facts: RunFacts) -> Verdict:
    """No node failed in ML Metadata: a task of the orchestrator ended before its node."""
    not_run = _not_run(facts)
    sentence = (
        f"{_done(facts)} of {len(facts.nodes)} nodes ended well. The others did not start, and ML "
        "Metadata does not say why. See the logs of their tasks."
    )
    return Verdict(BAD, f"Failed at {not_run[0]}" if not_run else "Failed", sentence, (), not_run)


def _done(facts: RunFacts) -> int:
    return sum(node.run.state in ("complete", "cached") for node in facts.nodes)


def _not_run(facts: RunFacts) -> tuple[str, ...]:
    return tuple(node.id for node in facts.nodes if node.run.state == "skipped")


def _judges(node: NodeFacts) -> bool:
    return node.type.rpartition(".")[2] == "Evaluator"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


@dataclasses.dataclass(frozen=True)
class ExportCheck:
    """What the export check found.

    Attributes:
      note: what it could not compare.
      real_rows: the number of rows of the data that were sent.
      unusual_rows: the names of the unusual ones.
      signatures: the outputs of each signature that was called.
    """

    blessed: bool
    findings: tuple[dict[str, str], ...]
    note: str
    real_rows: int
    unusual_rows: tuple[str, ...]
    signatures: dict[str, list[str]]


def export_check(facts: RunFacts) -> ExportCheck | None:
    """The result of the export check; None if it has not run."""
    artifact = facts.artifact("InfraBlessing")
    if artifact is None or "blessed" not in artifact.properties:
        return None
    node = next((n for n in facts.nodes if n.id == artifact.node), None)
    findings = json.loads(str(artifact.properties.get("findings") or "[]"))
    note = node.run.note if node and node.run.note else ""
    details = artifact.document(file_names.EXPORT_CHECK)
    return ExportCheck(
        artifact.properties["blessed"] == 1,
        tuple(findings),
        note,
        int(details.get("real_rows", 0)),
        tuple(details.get("unusual_rows", ())),
        details.get("signatures", {}),
    )
