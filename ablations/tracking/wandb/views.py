"""A study's saved workspace and its report in W&B (extra `wandb-reports`). Imports wandb_workspaces."""

import wandb_workspaces.expr as ws_expr
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from ablations.tracking.wandb.layout import Layout


def build_workspace(layout: Layout, *, entity: str, project: str) -> ws.Workspace:
    """The workspace of a study: its runs only, the baseline pinned, panels in reading order."""
    return ws.Workspace(
        entity=entity,
        project=project,
        name=_title(layout),
        sections=_sections(layout),
        settings=ws.WorkspaceSettings(
            x_axis="epoch", smoothing_type="none", max_runs=100, ignore_outliers=False
        ),
        runset_settings=ws.RunsetSettings(
            filters=[_is_of_study(layout)],
            order=[ws_expr.Ordering(ws_expr.Summary(layout.metric), ascending=layout.minimise)],
            run_settings={id: ws.RunSettings(color=c) for id, c in layout.colours.items()},
            pinned_columns=_columns(layout),
            baseline_run=layout.baseline_run,
        ),
    )


def build_report(layout: Layout, *, entity: str, project: str) -> wr.Report:
    """The report of a study: the verdict in words, then the panels under headings."""
    runs = wr.Runset(
        entity=entity,
        project=project,
        name=layout.study,
        filters=[_is_of_study(layout)],
        run_settings={id: wr.RunSettings(color=c) for id, c in layout.colours.items()},
    )
    blocks: list[object] = [wr.MarkdownBlock(text=_verdict(layout))]
    for section in _sections(layout):
        blocks.append(wr.H2(text=section.name))
        blocks.append(wr.PanelGrid(runsets=[runs], panels=list(section.panels)))
    return wr.Report(
        project=project,
        entity=entity,
        title=_title(layout),
        description=layout.question,
        blocks=blocks,
        width="fluid",
    )


def _is_of_study(layout: Layout) -> ws_expr.FilterExpr:
    # Not the group: a colleague's study in the same project can have the same name.
    return ws_expr.Config("study_id") == layout.study_id


def _title(layout: Layout) -> str:
    return f"{layout.study}: ablation study"[:128]


def _columns(layout: Layout) -> list[str]:
    """The runs table's columns, as W&B's page names them: `config:attention.value.reduction`."""
    settings = [*layout.factors, "seed", "params"]
    parts = [name.partition(".") for name in settings]
    columns = [f"config:{group}.value{dot}{field}" for group, dot, field in parts]
    return [*columns, f"summary:{layout.metric}", "summary:state"]


def _sections(layout: Layout) -> list[ws.Section]:
    named = {
        "Verdict": _verdict_panels(layout),
        "Loss against the factors and the cost": _loss_panels(layout),
        "Factors together": _factor_panels(layout),
        "Learning curves, by arm": _curve_panels(layout),
        "Runs side by side": [wr.RunComparer(diff_only="split", layout=_wide(0, 12))],
    }
    return [ws.Section(name=name, panels=panels, is_open=True) for name, panels in named.items()]


def _verdict_panels(layout: Layout) -> list[object]:
    panels: list[object] = [wr.MarkdownPanel(markdown=_verdict(layout), layout=_left(0, 9))]
    if layout.figures:
        first = "ratio" if "ratio" in layout.figures else layout.figures[0]
        rest = [name for name in layout.figures if name != first]
        panels.append(
            wr.MediaBrowser(title=first, media_keys=[f"figures/{first}"], layout=_right(0, 9))
        )
        if rest:
            keys = [f"figures/{name}" for name in rest]
            panels.append(
                wr.MediaBrowser(
                    title="The report's figures",
                    media_keys=keys,
                    num_columns=3,
                    layout=_wide(9, 10),
                )
            )
    return panels


def _loss_panels(layout: Layout) -> list[object]:
    panels: list[object] = []
    if layout.x is not None:
        panels.append(
            wr.ScatterPlot(
                title=f"{layout.metric} against {layout.x}{_coloured(layout)}",
                x=wr.Config(layout.x),
                y=wr.SummaryMetric(layout.metric),
                log_x=layout.x_is_log,
                layout=_left(0, 9),
            )
        )
    panels.append(
        wr.ScatterPlot(
            title=f"{layout.metric} against parameters{_coloured(layout)}",
            x=wr.Config("params"),
            y=wr.SummaryMetric(layout.metric),
            layout=_right(0, 9) if panels else _left(0, 9),
        )
    )
    return panels


def _factor_panels(layout: Layout) -> list[object]:
    columns = [
        wr.ParallelCoordinatesPlotColumn(
            metric=wr.Config(name), log=name == layout.x and layout.x_is_log
        )
        for name in layout.factors
    ]
    columns.append(wr.ParallelCoordinatesPlotColumn(metric=wr.Config("params")))
    columns.append(wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(layout.metric)))
    return [
        wr.ParallelCoordinatesPlot(title="Factors and loss", columns=columns, layout=_wide(0, 10)),
        wr.ParameterImportancePlot(with_respect_to=layout.metric, layout=_wide(10, 10)),
    ]


def _curve_panels(layout: Layout) -> list[object]:
    shown = dict.fromkeys((layout.metric, "train_loss", "val_accuracy"))
    places = (_left(0, 9), _right(0, 9), _left(9, 9), _right(9, 9))
    return [
        wr.LinePlot(
            title=f"{name}: mean over seeds, with the standard deviation",
            x="epoch",
            y=[name],
            groupby=wr.Config("label"),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            max_runs_to_show=100,
            layout=place,
        )
        for name, place in zip(shown, places, strict=False)
    ]


def _verdict(layout: Layout) -> str:
    is_said = layout.question in layout.verdict
    head = "" if is_said else f"**{layout.question}**\n\n"
    missing = f"No report was written yet: `ablate report {layout.study}`, then this view again."
    key = " · ".join(f"{level}: {colour}" for level, colour in layout.key.items())
    coloured = f"\n\nColours show `{layout.hue}`: {key}." if layout.hue else ""
    return head + (layout.verdict or missing) + coloured


def _coloured(layout: Layout) -> str:
    return f", coloured by {layout.hue}" if layout.hue and layout.colours else ""


def _left(y: int, height: int) -> wr.Layout:
    return wr.Layout(x=0, y=y, w=12, h=height)


def _right(y: int, height: int) -> wr.Layout:
    return wr.Layout(x=12, y=y, w=12, h=height)


def _wide(y: int, height: int) -> wr.Layout:
    return wr.Layout(x=0, y=y, w=24, h=height)
