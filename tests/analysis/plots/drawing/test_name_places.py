import numpy as np
import pytest

from analysis.plots.drawing.name_places import place_names

FRAME = (0.0, 400.0, 0.0, 200.0)


def places(points, width=60.0, height=10.0):
    sizes = dict.fromkeys(range(len(points)), (width, height))
    return place_names(np.array(points, dtype=float), sizes, frame=FRAME)


@pytest.mark.parametrize(("x", "is_left"), [(50, False), (350, True)])
def test_a_lone_name_stands_where_there_is_more_room_and_needs_no_line(x, is_left):
    (place,) = places([(x, 100)]).values()
    assert place.is_left == is_left
    assert place.shift == pytest.approx(6.5)
    assert not place.has_line


def test_names_of_points_that_coincide_keep_apart_however_many_they_are():
    found = [place.box for place in places([(100, 100)] * 30).values()]
    for i, (left, right, bottom, top) in enumerate(found):
        for start, stop, low, high in found[:i]:
            assert left >= stop or start >= right or bottom >= high or low >= top


def test_a_name_keeps_clear_of_a_point_without_a_name():
    points = np.array([(100.0, 100.0), (130.0, 107.0)])
    (place,) = place_names(points, {0: (60.0, 10.0)}, frame=FRAME).values()
    assert place.nearest > 0


def test_a_name_stays_inside_the_axes_where_it_can():
    _, _, bottom, top = places([(100, 198)])[0].box
    assert 0 <= bottom < top <= 200
