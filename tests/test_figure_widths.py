"""Figures for a column, a page and a slide, of few exits, and over years."""

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import MINI, without_headroom
from matplotlib import pyplot

import simulator as sim
from simulator.cli.main import main
from simulator.figures import page, style
from simulator.figures.figure import figures_of
from simulator.figures.plotter import write_figures

WIDTHS = {"column": 3.5, "page": 7.2, "slide": 10.0}
FIGURES = [name for name in figures_of("results") if name != "loss"]  # nothing is lost
WORLDS = {"worlds": 3, "days": 2, "drawn_days": 1}
LEAST_PT = 5.4
"""The numbers of events; all else is larger."""


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    with without_headroom():
        changes = {"horizon_h": 6, "replications": WORLDS, "events": [{"at_h": 2, "cable": "TPE"}]}
        changes |= {"record": {"demands": "pair"}}
        return sim.run(sim.load(MINI).with_changes(changes), out=tmp_path_factory.mktemp("w") / "d")


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    keys = {
        "topology": "china169-mini",
        "start": "2017-01-01T12:00",
        "end": "2020-01-01",
        "step_s": 7200,
        "replications": 1,
        "traffic": {"shapes": [{"kind": "diurnal"}, {"kind": "growth", "per_year": 0.3}]},
        "strategies": {"static": {"scheme": "nearest_exit"}},
        "record": {"demands": "none"},
    }
    with without_headroom():
        return sim.run(keys, out=tmp_path_factory.mktemp("years") / "y")


def drawn(axes):
    fig = np.atleast_1d(axes)[0].figure
    with style.style():
        fig.canvas.draw()
    return fig


def texts(fig):
    """Return all text but labels of ticks, which are made beyond the ends of an axis too."""
    found = [fig._suptitle, fig._supxlabel, *([fig._supylabel] if fig._supylabel else [])]
    for ax in fig.axes:
        found += [*ax.texts, ax.xaxis.label, ax.yaxis.label]
    found += [text for legend in fig.legends for text in legend.get_texts()]
    return [text for text in found if text.get_text().strip()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_as_wide_as_asked_and_its_text_is_on_it(day, name, width):
    fig = drawn(getattr(day.plot, name)(width=width))
    assert fig.get_figwidth() == pytest.approx(WIDTHS[width])
    renderer = fig.canvas.get_renderer()
    for text in texts(fig):
        box = text.get_window_extent(renderer)
        assert box.x0 >= -2 and box.x1 <= fig.bbox.width + 2, text.get_text()
        assert box.y0 >= -2 and box.y1 <= fig.bbox.height + 2, text.get_text()
    for legend in fig.legends:
        assert legend.get_window_extent(renderer).x1 <= fig.bbox.width + 2


@pytest.mark.parametrize("name", FIGURES)
def test_type_is_legible_and_larger_on_a_slide(day, name):
    least = {}
    for width in WIDTHS:
        fig = drawn(getattr(day.plot, name)(width=width))
        least[width] = min(text.get_fontsize() for text in texts(fig))
        ticks = [label.get_fontsize() for ax in fig.axes for label in ax.get_xticklabels()]
        smallest = min(ticks, default=np.inf)  # a map has none
        assert smallest >= 7.4 * max(1.0, WIDTHS[width] / 7.2)
    assert least["column"] >= LEAST_PT and least["page"] >= LEAST_PT
    assert least["slide"] == pytest.approx(least["page"] * 10 / 7.2)


def test_panels_have_room_on_a_column(day):
    for name in FIGURES:
        fig = drawn(getattr(day.plot, name)(width="column"))
        for ax in (each for each in fig.axes if each.get_title() not in ("%", "ms")):  # scales
            assert ax.get_position().width * 3.5 >= 1.2, name


def test_a_number_of_inches_is_a_width_too(day):
    assert day.plot.hottest_exit(width=5.5).figure.get_figwidth() == 5.5
    for wrong, told in (("colum", "did you mean 'column'"), (0.5, "from 2.5 to 60 inches")):
        with pytest.raises(sim.SimulatorError, match=told):
            day.plot.hottest_exit(width=wrong)


def test_plot_takes_a_width(day, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for width, inches in WIDTHS.items():
        words = ["plot", str(day.folder), "--width", width, "--out", str(tmp_path / width)]
        assert CliRunner().invoke(main, words).exit_code == 0
        for file in (tmp_path / width).iterdir():
            with image.open(file) as png:
                assert png.width == round(inches * 150)
    assert CliRunner().invoke(main, ["plot", str(day.folder), "--width", "poster"]).exit_code == 2


def test_files_are_the_same_without_a_width_and_for_a_page(day, tmp_path):
    names = ["exit_peaks"]
    (plain,) = write_figures(day, tmp_path / "a", names=names)
    (for_page,) = write_figures(day, tmp_path / "b", names=names, width="page")
    assert plain.read_bytes() == for_page.read_bytes()


@pytest.mark.parametrize("labels", [["long " * 6, "s", "long " * 6, "s", "long " * 5, "s"]])
def test_a_legend_fits_as_matplotlib_lays_it_out(labels):
    columns, lines = page.legend_shape(labels, 3.5)
    stacks = np.array_split(np.array(labels, dtype=object), columns)
    widest = sum(max(style.width_in(label, style.LEGEND_PT) for label in s) for s in stacks)
    assert columns == 1 or widest + 0.45 * columns <= 3.3
    assert lines == len(stacks[0])


# -- few exits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_exits_have_the_width_for_themselves(day, count, width):
    exits = list(day.run["network"]["exits"])[:count]
    exits = [each["id"] if isinstance(each, dict) else each for each in exits]
    axes = day.plot.exit_utilisation(exits, width=width)
    fig = drawn(axes)
    assert [ax.texts[0].get_text() for ax in axes] == exits
    in_a_row = min(count, 2 if width == "column" else 3)
    lefts = sorted({round(ax.get_position().x0, 3) for ax in axes})
    assert len(lefts) == in_a_row
    assert max(ax.get_position().x1 for ax in axes) > 0.9
    label = fig._supylabel.get_window_extent(fig.canvas.get_renderer())
    assert label.y0 >= 0 and label.y1 <= fig.bbox.height


# -- years ----------------------------------------------------------------------------------------


def test_over_years_a_line_is_the_highest_of_each_day(years):
    (ax,) = years.plot.exit_utilisation("shanghai-la", direction="in")
    (line,) = [line for line in ax.lines if line.get_label() == "static"]
    rows = years.exits.query("exit == 'shanghai-la' and direction == 'in'")
    day = np.floor((12 + rows["time_s"] / 3600) / 24)  # the first day begins at noon
    highest = rows["utilisation"].groupby(day).max().to_numpy()
    np.testing.assert_array_equal(line.get_ydata()[:-1], highest)
    assert len(highest) == 1095 == len(line.get_ydata()) - 1
    begins = line.get_xdata()[1:-1]
    np.testing.assert_allclose(begins, np.round(begins), atol=1e-6)  # midnights
    words = " ".join(ax.figure._supxlabel.get_text().split())
    assert "highest mean of a step of 120 min in each day" in words


def test_over_years_the_axis_has_years(years):
    axes = years.plot.exit_utilisation()
    fig = drawn(axes)
    bottom = [ax for ax in axes if ax.get_xlabel()]
    for ax in bottom:
        labels = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
        assert {"2018", "2019"} <= set(labels)
    renderer = fig.canvas.get_renderer()
    row = bottom[-3:]
    boxes = [
        label.get_window_extent(renderer)
        for ax in row
        for label in ax.get_xticklabels()
        if label.get_text()
    ]
    for left, right in zip(boxes, boxes[1:], strict=False):
        assert not left.overlaps(right)


def test_a_day_is_shown_by_its_steps(day):
    (ax,) = day.plot.exit_utilisation("shanghai-la", direction="in")
    (line,) = [line for line in ax.lines if line.get_label() == "static"]
    assert len(line.get_ydata()) - 1 == 6 * 4


def test_a_number_is_not_parted_from_its_percent_sign():
    lines = style.wrapped("How full? igp 150 % (gz-hk in), sdn 73 % (bj-seoul in)", 1.2, 10)
    assert len(lines) > 3 and not any(line.startswith("%") for line in lines)
