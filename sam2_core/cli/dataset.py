"""Annotate a folder of pictures in the three stages of the data engine, and train on it.

All is in one folder: the pictures, annotations.json (COCO), statistics.json, and manifest.jsonl, which tells who made
each mask: a person, the network with a person's approval, or the network alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sam2_core.cli import prompts
from sam2_core.cli.automatic import add_thresholds
from sam2_core.cli.dataset_stages import (
    StageRun,
    drop_automatic,
    network_of,
    prompt_digest,
    settings_digest,
)
from sam2_core.cli.inputs import STDIN, find_sources, input_path
from sam2_core.cli.options import add_network, add_reporting
from sam2_core.cli.proposal_sheets import write_sheets
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.text_prompts import add_text, text_from_options
from sam2_core.dataset import DatasetFolder, DatasetWriter, ImageRecord, Stage
from sam2_core.dataset.decisions import FORMAT, count_unconfirmed, read_decisions, write_proposals
from sam2_core.errors import ConfigError, DataError

USAGE = "{add,propose,confirm,auto,stats,train} FOLDER [options]"
EXAMPLES = f"""\
examples:
  masklet dataset add my_set --images photos --prompts photos_prompts
  masklet dataset propose my_set --images photos
  masklet dataset confirm my_set --decisions my_set/proposals.json
  masklet dataset auto my_set --images more_photos --crops 1
  masklet dataset stats my_set
  masklet dataset train my_set --init nano --minutes 20 --out mine.safetensors
  masklet segment photo.jpg --model nano --checkpoint mine.safetensors --point 210,350

The same command again goes on where it stopped. A file for --decisions reads:

{FORMAT}
exit codes: 0 all is done, 1 some pictures failed, 2 wrong use, 130 interrupted
"""
PROPOSALS = "proposals.json"
LEAST_AREA = 100  # pixels (SAM paper, appendix B)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    verbs = parser.add_subparsers(prog="masklet dataset", dest="verb", required=True, metavar="VERB")
    for name, (text, add, _) in _VERBS.items():
        verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        verb.add_argument("folder", type=input_path, metavar="FOLDER", help="the dataset folder")
        add(verb)
        add_reporting(verb)
        verb.set_defaults(scale_down=False)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    with CommandContext(options, build) as context:
        return _VERBS[options.verb][2](options, context)


# --- the stages ---------------------------------------------------------------------------------------------------


def _add_images(parser: argparse.ArgumentParser, required: bool) -> None:
    text = "pictures, or folders of pictures, to copy into the dataset folder"
    text += "" if required else " (default: those that are there)"
    parser.add_argument("--images", nargs="+", type=input_path, metavar="IMAGE", required=required, help=text)
    text = "do what is done already once more"
    parser.add_argument("--again", action="store_true", help=text)
    add_network(parser)


def _auto_options(parser: argparse.ArgumentParser) -> None:
    _add_images(parser, required=False)
    add_thresholds(parser, LEAST_AREA)


def _auto(options: argparse.Namespace, context: CommandContext) -> int:
    def stage(run: StageRun) -> Counter[str]:
        digest = settings_digest(_thresholds(options))
        images = _images(run, options)
        return run.over(images, "automatic", lambda image: digest, run.segment_everything)

    return _run_stage(options, context, "automatic", stage)


def _propose_options(parser: argparse.ArgumentParser) -> None:
    _add_images(parser, required=False)
    add_thresholds(parser, LEAST_AREA)
    add_text(parser, for_clips=False)
    parser.set_defaults(prompt_flags=None, prompts=None)


def _propose(options: argparse.Namespace, context: CommandContext) -> int:
    def stage(run: StageRun) -> Counter[str]:
        text = text_from_options(options, context)
        words = [options.text, options.detector, options.box_threshold, options.text_threshold]
        words += [options.prompt, options.clip] if options.prompt else []
        digest = settings_digest([*_thresholds(options), *(words if text else [])])
        images = _images(run, options)
        return run.over(images, "semi-automatic", lambda image: digest, lambda image: run.propose(image, text))

    return _run_stage(options, context, "semi-automatic", stage)


def _add_options(parser: argparse.ArgumentParser) -> None:
    _add_images(parser, required=True)
    text = (
        "objects and prompts as for `masklet segment`; a folder holds a file for each picture, NAME.json for NAME.jpg"
    )
    parser.add_argument("--prompts", type=input_path, metavar="FILE", required=True, help=text)
    parser.set_defaults(prompt_flags=None)


def _add(options: argparse.Namespace, context: CommandContext) -> int:
    def stage(run: StageRun) -> Counter[str]:
        source = prompts.prompts_from_options(options)
        files = _sources(options, context)
        if not options.prompts.is_dir() and len(files) > 1:
            raise ConfigError("One file of --prompts is for one picture. Name a folder with a file for each.")
        sources = run.add_pictures(files)
        images = [run.writer.state.images[number] for number in sources]

        def digest(image: ImageRecord) -> str:
            return prompt_digest(source, sources[image.id], options.prompts)

        return run.over(images, "assisted", digest, lambda image: run.add_prompted(image, sources[image.id], source))

    return _run_stage(options, context, "assisted", stage)


def _run_stage(
    options: argparse.Namespace, context: CommandContext, stage: Stage, work: Callable[[StageRun], Counter[str]]
) -> int:
    network = network_of(options)
    if options.images is None:
        DatasetFolder.read(options.folder)  # raises where it is none: there is nothing to create
    with DatasetWriter(options.folder) as writer:
        for note in writer.notes:
            context.console.note(note)
        _check_confirmed(writer)
        try:
            stage_run = StageRun(writer, context, options, network)
            counts = work(stage_run)
            counts["failed"] += stage_run.unreadable
        finally:
            if writer.state.proposals:
                _update_proposals(writer, context)
        figures = writer.statistics()["stages"][stage]
        waiting = len(writer.state.open_proposals())
    text = ", ".join(f"{counts[each]} {each}" for each in ("done", "skipped", "failed") if counts[each])
    if stage == "semi-automatic":
        text += f"; {waiting} proposals wait for a decision"
        if waiting:
            file = options.folder / PROPOSALS
            text += f": look at them in {file.with_suffix('.jpg')}, fill in {file} by their numbers"
            text += f", then run `masklet dataset confirm {options.folder} --decisions {file}`"
    else:
        text += f"; {figures['masks']} {stage} masks in {figures['images']} pictures"
    context.console.note(f"{text}.")
    return 1 if counts["failed"] else 0


def _check_confirmed(writer: DatasetWriter) -> None:
    """Raise `DataError` while proposals.json has decisions that are not confirmed: a stage writes the file anew, and
    may withdraw the proposals that they are about."""
    file = writer.root / PROPOSALS
    confirm = f"Run `masklet dataset confirm {writer.root} --decisions {file}`, or delete the file to drop them."
    try:
        count = count_unconfirmed(file, writer.state)
    except DataError as error:
        raise DataError(f"{error} It may hold decisions that are not confirmed. {confirm}") from error
    if count:
        raise DataError(f"{file} has {count} decisions that are not confirmed yet. {confirm}")


def _update_proposals(writer: DatasetWriter, context: CommandContext) -> None:
    """Write proposals.json and its contact sheets, unless a person has decided in it meanwhile."""
    file = writer.root / PROPOSALS
    try:
        is_filled_in = count_unconfirmed(file, writer.state) > 0
    except DataError:  # in the middle of an edit
        is_filled_in = True
    if is_filled_in:
        context.console.note(f"{file} is left as it is, with its decisions that are not confirmed yet")
    else:
        write_proposals(file, writer.state, writer.unusable)
        write_sheets(writer, file)


def _images(run: StageRun, options: argparse.Namespace) -> list[ImageRecord]:
    """The pictures of --images, else all of the folder. Raises `ConfigError` where there are none."""
    if options.images is None:
        images = run.writer.usable_images()
    else:
        added = run.add_pictures(_sources(options, run.context))
        images = [run.writer.state.images[number] for number in added]
    if not images:
        raise ConfigError(f"There are no pictures in {options.folder}. Name some with --images.")
    return images


def _sources(options: argparse.Namespace, context: CommandContext) -> list[Path]:
    if STDIN in options.images:
        raise ConfigError("Pictures of a data set are files: stdin cannot be one.")
    return find_sources(options.images, ("image",), context.console, lambda folder: False)


def _thresholds(options: argparse.Namespace) -> list[Any]:
    return [options.grid, options.least_quality, options.least_stability, options.least_area, options.crops]


# --- decisions and statistics -------------------------------------------------------------------------------------


def _confirm_options(parser: argparse.ArgumentParser) -> None:
    text = "the file, such as proposals.json of the folder with its decisions filled in"
    parser.add_argument("--decisions", type=input_path, metavar="FILE", required=True, help=text)


def _confirm(options: argparse.Namespace, context: CommandContext) -> int:
    DatasetFolder.read(options.folder)
    with DatasetWriter(options.folder) as writer:
        decisions = read_decisions(options.decisions, writer.state)
        for each in decisions:
            writer.decide(each.proposal_id, each.verdict, each.mask, each.label, each.seconds)
            if each.proposal_id in writer.state.annotations:
                drop_automatic(writer, each.proposal_id)
        _update_proposals(writer, context)
        figures = writer.statistics()["stages"]["semi-automatic"]["proposals"]
    counts = Counter(each.verdict for each in decisions)
    new = {name: counts[name] for name in ("accepted", "changed", "rejected")}
    text = ", ".join(f"{count} {name}" for name, count in new.items())
    context.console.result({"new": new, "proposals": figures}, f"{text}; {figures['open']} proposals are open")
    return 0


def _stats(options: argparse.Namespace, context: CommandContext) -> int:
    folder = DatasetFolder.read(options.folder)
    for note in folder.notes:
        context.console.note(note)
    figures = folder.statistics()
    context.console.result(figures, describe(figures))
    return 0


def describe(figures: Mapping[str, Any]) -> str:
    """Statistics of a dataset folder as a table."""
    lines = [
        f"{figures['images']} pictures, {figures['annotated']} with masks, {figures['set_aside']} set aside",
        f"{'stage':<15} {'pictures':>8} {'masks':>7} {'a picture':>9} {'seconds a mask':>14}  confirmed",
    ]
    for stage, each in figures["stages"].items():
        proposals = each.get("proposals", {})
        seconds, share = each["seconds_per_mask"]["median"], proposals.get("share_accepted")
        decided = proposals.get("made", 0) - proposals.get("open", 0)
        confirmed = "" if share is None else f"{share:.0%} of {decided} proposals"
        if proposals.get("open"):
            confirmed += f"{', ' if confirmed else ''}{proposals['open']} open"
        per_image = "-" if each["masks_per_image"] is None else f"{each['masks_per_image']:.1f}"
        lines.append(
            f"{stage:<15} {each['images']:>8} {each['masks']:>7} {per_image:>9} "
            f"{'-' if seconds is None else f'{seconds:.2f}':>14}  {confirmed}".rstrip()
        )
    return "\n".join(lines)


# --- training -----------------------------------------------------------------------------------------------------


def _train_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--init", default="nano", metavar="NAME", help="a network, or a weights file, to start from")
    parser.add_argument("--network", metavar="NAME", help="what a weights file for --init is for")
    parser.add_argument("--minutes", type=_minutes, default=20.0, help="how long to train (default: %(default)g)")
    parser.add_argument("--out", type=input_path, metavar="FILE", required=True, help="the new weights (.safetensors)")
    text = "learn from masks that nobody has confirmed, too (they are never measured on)"
    parser.add_argument("--with-automatic", action="store_true", help=text)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"a number of minutes from 0.01 to 10000 is due, not {text!r}")
    return value


def _train(options: argparse.Namespace, context: CommandContext) -> int:
    from sam2_core.cli.dataset_training import train  # imports torch, which other verbs do not need

    return train(options, context)


_VERBS: Mapping[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace, CommandContext], int]],
] = {
    "add": ("assisted: masks of a person's prompts", _add_options, _add),
    "propose": ("semi-automatic: propose confident masks, for a person to decide about", _propose_options, _propose),
    "confirm": ("accept, reject or change proposals", _confirm_options, _confirm),
    "auto": ("automatic: masks of all that is in the pictures", _auto_options, _auto),
    "stats": ("masks a picture, seconds a mask and share confirmed, by stage", lambda parser: None, _stats),
    "train": ("fine-tune on the masks, and measure on pictures set aside, before and after", _train_options, _train),
}
