"""The same behaviour for every kind of lifetime: a loop over all of them, several parameters each."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ras_sim import distributions as d
from ras_sim.distributions.base import moments_from_inverse
from ras_sim.streams import stream

CASES: dict[str, list[d.Distribution]] = {
    "exponential": [d.Exponential(0.01), d.Exponential.from_mean(5e4)],
    "weibull": [d.Weibull(0.5, 100.0), d.Weibull(1.5, 3.0), d.Weibull(4.0, 5e4)],
    "lognormal": [d.Lognormal(3.0, 0.3), d.Lognormal(-1.0, 1.5)],
    "gamma": [d.Gamma(0.3, 100.0), d.Gamma(5.0, 20.0), d.Gamma(400.0, 1.0)],
    "loglogistic": [d.LogLogistic(5.0, 40.0), d.LogLogistic(0.8, 40.0)],
    "bathtub": [d.Bathtub(0.4, 1e6, 1e-4, 4.0, 5e4), d.Bathtub(0.7, 100.0, 0.0, 2.0, 50.0)],
    "piecewise_constant": [
        d.PiecewiseConstant((0.0, 10.0, 50.0), (0.1, 0.0, 0.02)),
        d.PiecewiseConstant((0.0, 100.0), (1e-3, 1e-2)),
    ],
    "empirical": [d.Empirical((5.0, 1.0, 2.0, 2.0, 9.0)), d.Empirical(tuple(np.linspace(0.1, 7.0, 300)))],
    "deterministic": [d.Deterministic(4.0), d.Deterministic(0.0)],
    "uniform": [d.Uniform(2.0, 9.0), d.Uniform(0.0, 1.0)],
}
SCALED = [
    d.Gamma(2.0, 10.0).scaled(3.0),
    d.Lognormal(3.0, 0.5).scaled(0.5),
    d.Uniform(2.0, 9.0).scaled(2.0),
]
ALL = [case for cases in CASES.values() for case in cases] + SCALED
CONTINUOUS = [case for case in ALL if not isinstance(case, d.Deterministic)]
Y = np.concatenate(([1e-6], np.geomspace(1e-3, 8.0, 60)))  # survival down to 0.03 %
DEEP = np.geomspace(10.0, 5000.0, 40)  # far past anything a simulation meets
BOUNDED = (d.Empirical, d.Uniform)

every = pytest.mark.parametrize("law", ALL, ids=repr)
every_continuous = pytest.mark.parametrize("law", CONTINUOUS, ids=lambda law: repr(law)[:80])


def bounded(law: d.Distribution) -> bool:
    return isinstance(law.base if isinstance(law, d.ProportionalHazard) else law, BOUNDED)


def exponentials(n: int, label: str) -> np.ndarray:
    """Unit exponential draws from the address of a test."""
    return stream(1, 0, "tests/distributions", label).standard_exponential(n)


def test_every_kind_is_tested() -> None:
    assert {kind: {type(case) for case in cases} for kind, cases in CASES.items()} == {
        kind: {law} for kind, law in d.KINDS.items()
    }


@every_continuous
def test_inverse_undoes_the_cumulative_hazard(law: d.Distribution) -> None:
    assert law.cumulative_hazard(law.inverse_hazard(Y)) == pytest.approx(Y, rel=1e-9)


@pytest.mark.parametrize("law", [case for case in CONTINUOUS if not bounded(case)], ids=repr)
def test_inverse_is_exact_far_in_the_tail(law: d.Distribution) -> None:
    times = law.inverse_hazard(DEEP)
    reached = np.isfinite(times)  # a heavy tail leaves the range of a float
    assert reached[0]
    assert law.cumulative_hazard(times[reached]) == pytest.approx(DEEP[reached], rel=1e-10)


@every
def test_cumulative_hazard_starts_at_nothing_and_never_falls(law: d.Distribution) -> None:
    start = law.inverse_hazard(np.array([0.0]))[0]
    ages = np.concatenate(([0.0, start / 2], np.sort(law.inverse_hazard(Y)), [1e9, np.inf]))
    hazards = law.cumulative_hazard(np.sort(ages))
    assert np.all(np.diff(hazards[np.isfinite(hazards)]) >= 0.0)
    assert np.all(np.diff(np.isinf(hazards).astype(int)) >= 0)
    assert hazards[0] == 0.0 or law == d.Deterministic(0.0)
    times = law.inverse_hazard(np.concatenate((Y, DEEP)))
    assert np.all(times[1:] >= times[:-1])
    assert law.inverse_hazard(np.array([np.inf]))[0] == (np.inf if not _ends(law) else _end(law))


def _ends(law: d.Distribution) -> bool:
    return bounded(law) or isinstance(law, d.Deterministic)


def _end(law: d.Distribution) -> float:
    return float(law.inverse_hazard(np.array([1e4]))[0])


@every_continuous
def test_hazard_is_the_slope_of_the_cumulative_hazard(law: d.Distribution) -> None:
    ages = law.inverse_hazard(np.array([0.0531, 0.307, 0.93, 1.7, 3.1]))
    step = 1e-6 * ages
    slope = (law.cumulative_hazard(ages + step) - law.cumulative_hazard(ages - step)) / (2 * step)
    assert law.hazard(ages) == pytest.approx(slope, rel=1e-4)


@every
def test_arrays_keep_their_shape(law: d.Distribution) -> None:
    grid = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    for values in (law.cumulative_hazard(grid), law.inverse_hazard(grid), law.hazard(grid)):
        assert values.shape == (2, 3)
        assert values.dtype == np.float64
    assert law.inverse_hazard(grid)[1, 0] == law.inverse_hazard(np.array([1.0]))[0]
    assert law.inverse_hazard(np.array([])).shape == (0,)


@every
def test_quantile_is_the_scalar_form_of_the_inverse(law: d.Distribution) -> None:
    for u in (2.0**-53, 1e-9, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-9):
        vector = law.inverse_hazard(np.array([-math.log1p(-u)]))[0]
        scalar = law.quantile(u)
        assert type(scalar) is float
        assert scalar == pytest.approx(vector, rel=1e-7 if u > 0.999 else 1e-11, abs=1e-300)


@every
def test_sampled_mean_and_variance_meet_theory(law: d.Distribution) -> None:
    n = 40_000
    sample = law.inverse_hazard(exponentials(n, repr(law)))
    mean, variance = law.mean_h, law.variance_h2
    if variance == 0.0:
        assert np.all(sample == mean)
    elif variance < math.inf:
        assert abs(sample.mean() - mean) / math.sqrt(variance / n) < 4.0
        deviations = (sample - mean) ** 2
        if deviations.max() < 0.02 * deviations.sum():  # no single draw decides the standard error
            assert abs(deviations.mean() - variance) / (deviations.std() / math.sqrt(n)) < 4.0


@every
def test_mean_and_variance_agree_with_the_integral_of_the_inverse(law: d.Distribution) -> None:
    mean, variance = moments_from_inverse(law)
    jumps = isinstance(law, d.PiecewiseConstant) and 0.0 in law.rates_per_h
    rel = 1e-3 if jumps else 1e-5  # the rule is not smooth across a span without failures
    assert law.mean_h == pytest.approx(mean, rel=rel)
    assert law.variance_h2 == pytest.approx(variance, rel=rel, abs=1e-5 * mean**2 if mean < math.inf else 0.0)


@pytest.mark.parametrize(
    ("law", "mean_h", "variance_h2"),
    [
        (d.LogLogistic(1.0, 3.0), math.inf, math.inf),
        (d.LogLogistic(2.0, 3.0), 3.0 * math.pi / 2, math.inf),
        (d.LogLogistic(3.0, 3.0).scaled(0.3), math.inf, math.inf),
        (d.LogLogistic(3.0, 3.0).scaled(0.6), None, math.inf),
        (d.PiecewiseConstant((0.0, 5.0), (1.0, 0.0)), math.inf, math.inf),
        (d.Exponential(0.0), math.inf, math.inf),
        (d.Weibull(0.001, 1.0), math.inf, math.inf),
    ],
)
def test_moments_that_do_not_exist_are_infinite(
    law: d.Distribution, mean_h: float | None, variance_h2: float
) -> None:
    if mean_h is None:
        assert law.mean_h < math.inf
    else:
        assert law.mean_h == pytest.approx(mean_h, rel=1e-12)
    assert law.variance_h2 == variance_h2


@every
@pytest.mark.parametrize("lived", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_residual_life_follows_the_conditional_law(law: d.Distribution, lived: float) -> None:
    age = law.quantile(lived) if lived else 0.0
    residuals = np.array([law.residual_h(age, float(e)) for e in exponentials(1500, f"{law!r} {lived}")])
    assert np.all(residuals >= 0.0)
    if isinstance(law, d.Deterministic):
        assert np.all(residuals == law.value_h - age)
        return
    gained = law.cumulative_hazard(age + residuals) - law.cumulative_hazard(np.array([age]))
    assert stats.kstest(gained, "expon").pvalue > 1e-4  # H(a + X) - H(a) is a unit exponential
    generic = [d.Distribution.residual_h(law, age, e) for e in (0.01, 0.5, 3.0)]
    assert [law.residual_h(age, e) for e in (0.01, 0.5, 3.0)] == pytest.approx(generic, rel=1e-8)


@every_continuous
def test_residual_life_keeps_its_digits_at_great_age(law: d.Distribution) -> None:
    if bounded(law):
        assert law.residual_h(_end(law), 1.0) == 0.0
        assert law.residual_h(_end(law) + 5.0, 1.0) == 0.0
        return
    for y in (20.0, 200.0, 690.0, 2000.0):
        age = float(law.inverse_hazard(np.array([y]))[0])
        if age < 1e100:
            hazard = float(law.hazard(np.array([age]))[0])
            assert law.residual_h(age, 1e-4) == pytest.approx(1e-4 / hazard, rel=1e-3)
        assert law.residual_h(age, 1e-300) >= 0.0


@pytest.mark.parametrize("age", [1e-9, 1.0, 1e5, 1e12])
@pytest.mark.parametrize(
    "law", [d.Weibull(0.5, 100.0), d.Weibull(3.0, 100.0), d.LogLogistic(2.0, 5.0)], ids=repr
)
def test_residual_life_of_power_laws_loses_nothing_to_cancellation(law: d.Distribution, age: float) -> None:
    hazard = float(law.hazard(np.array([age]))[0])
    tiny = 1e-12 * age * hazard
    assert law.residual_h(age, tiny) == pytest.approx(tiny / hazard, rel=1e-9)


@every
def test_extreme_draws_do_not_raise(law: d.Distribution) -> None:
    for age in (0.0, 5e-324, 1e-300, 1.0, 1e300):
        for exp1 in (5e-324, 1e-300, 1.0, 1e3, 1e300):
            residual = law.residual_h(age, exp1)
            assert residual >= 0.0


@every
def test_memoryless_means_that_age_does_not_matter(law: d.Distribution) -> None:
    ages = [law.quantile(u) for u in (0.1, 0.5, 0.9)]
    residuals = np.array([[law.residual_h(age, e) for e in (0.1, 1.0)] for age in [0.0, *ages]])
    constant = np.allclose(residuals, residuals[0], rtol=1e-6, atol=0.0) and max(ages) > 0.0
    assert law.memoryless == constant


@pytest.mark.parametrize(
    "law", [d.Weibull(1.0, 7.0), d.Gamma(1.0, 7.0), d.PiecewiseConstant((0.0, 3.0), (0.1, 0.1))], ids=repr
)
def test_the_exponential_law_is_memoryless_however_it_is_written(law: d.Distribution) -> None:
    assert law.memoryless
    new = law.quantile(-math.expm1(-1.3))
    assert [law.residual_h(age, 1.3) for age in (0.5, 2.0, 20.0)] == pytest.approx([new, new, new])


@every_continuous
@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_scaling_multiplies_the_hazard(law: d.Distribution, factor: float) -> None:
    other = law.scaled(factor)
    ages = law.inverse_hazard(Y[1:])
    assert other.cumulative_hazard(ages) == pytest.approx(factor * Y[1:], rel=1e-9)
    assert other.hazard(ages) == pytest.approx(factor * law.hazard(ages), rel=1e-9)
    assert other.inverse_hazard(factor * Y[1:]) == pytest.approx(ages, rel=1e-9)
    assert other.memoryless == law.memoryless
    assert other.scaled(1 / factor).cumulative_hazard(ages) == pytest.approx(Y[1:], rel=1e-9)


def test_scaling_leaves_a_fixed_time_alone() -> None:
    assert d.Deterministic(4.0).scaled(3.0) == d.Deterministic(4.0)


@every
@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_scaling_wants_a_positive_factor(law: d.Distribution, factor: float) -> None:
    with pytest.raises(ValueError, match=r"rate_factor: got .*, want a finite number > 0"):
        law.scaled(factor)


def test_constructors_give_what_they_are_asked_for() -> None:
    for shape in (0.5, 1.0, 3.0):
        assert d.Weibull.from_mean(shape, 123.0).mean_h == pytest.approx(123.0)
        assert d.Gamma.from_mean(shape, 123.0).mean_h == pytest.approx(123.0)
        assert d.LogLogistic.from_median(123.0, shape).quantile(0.5) == pytest.approx(123.0)
        assert d.Lognormal.from_median(123.0, shape).quantile(0.5) == pytest.approx(123.0)
        law = d.Lognormal.from_mean_sd(123.0, 50.0 * shape)
        assert (law.mean_h, law.variance_h2) == pytest.approx((123.0, (50.0 * shape) ** 2))
    assert d.Exponential.from_mean(123.0).mean_h == pytest.approx(123.0)


def test_published_values() -> None:
    assert d.Weibull(2.0, 100.0).mean_h == pytest.approx(100.0 * math.sqrt(math.pi) / 2)
    assert d.Gamma(1 / 2, 2.0).quantile(0.95) == pytest.approx(3.841458820694124)  # chi-square, 1 d.o.f.
    assert d.Lognormal(0.0, 1.0).quantile(0.975) == pytest.approx(math.exp(1.959963984540054))
    assert d.Empirical((1.0, 2.0, 4.0)).quantile(0.5) == pytest.approx(1.5)
    assert d.Empirical((2.0, 2.0)).quantile(0.25) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [1, 2, 5, 20])
def test_gamma_tail_is_erlang(shape: int) -> None:
    x = np.array([0.01, 1.0, 30.0, 700.0, 5000.0])
    terms = [[k * math.log(value) - math.lgamma(k + 1) for k in range(shape)] for value in x]
    erlang = x - np.logaddexp.reduce(np.array(terms), axis=1)
    near_zero = erlang < 1e-3  # there the sum cancels, and the first terms of the series are the reference
    hazards = d.Gamma(float(shape), 1.0).cumulative_hazard(x)
    assert hazards[~near_zero] == pytest.approx(erlang[~near_zero], rel=1e-12)
    leading = x**shape / math.factorial(shape) * (1 - x * shape / (shape + 1))
    assert hazards[0] == pytest.approx(leading[0], rel=1e-3 if shape > 1 else 6e-3)


def test_a_table_of_rates_walks_through_its_spans() -> None:
    law = d.PiecewiseConstant((0.0, 10.0, 50.0), (0.1, 0.0, 0.02))
    assert law.residual_h(5.0, 0.25) == pytest.approx(2.5)
    assert law.residual_h(5.0, 0.7) == pytest.approx(45.0 + 0.2 / 0.02)  # past the span without failures
    assert law.residual_h(20.0, 0.2) == pytest.approx(30.0 + 0.2 / 0.02)
    assert law.inverse_hazard(np.array([1.0]))[0] == 50.0  # H stays at 1 from 10 h to 50 h
    immortal = d.PiecewiseConstant((0.0, 5.0), (1.0, 0.0))
    assert immortal.residual_h(1.0, 10.0) == math.inf
    assert immortal.quantile(1 - 1e-9) == math.inf
    assert immortal.inverse_hazard(np.array([4.0, 5.0, 6.0])).tolist() == [4.0, math.inf, math.inf]


def test_a_rate_of_zero_never_fails() -> None:
    never = d.Exponential(0.0)
    assert never.quantile(0.999) == never.residual_h(3.0, 9.0) == math.inf
    assert never.inverse_hazard(np.array([1.0, 2.0])).tolist() == [math.inf, math.inf]


@given(
    st.floats(0.3, 0.95),
    st.floats(10.0, 1e7),
    st.floats(0.0, 1e-2),
    st.floats(1.1, 8.0),
    st.floats(10.0, 1e6),
    st.floats(0.0, 2.0),
    st.floats(1e-6, 20.0),
)
def test_bathtub_residual_solves_its_equation(
    infant_shape: float,
    infant_h: float,
    rate: float,
    wearout_shape: float,
    wearout_h: float,
    lived: float,
    exp1: float,
) -> None:
    law = d.Bathtub(infant_shape, infant_h, rate, wearout_shape, wearout_h)
    age = lived * wearout_h
    parts = [d.Weibull(infant_shape, infant_h), d.Exponential(rate), d.Weibull(wearout_shape, wearout_h)]
    ages = np.array([age, age + law.residual_h(age, exp1)])
    total = law.cumulative_hazard(ages)
    assert total[1] - total[0] == pytest.approx(exp1, rel=1e-9, abs=1e-11 * max(1.0, total[0]))
    assert total == pytest.approx(sum(part.cumulative_hazard(ages) for part in parts))


WRONG = [
    lambda: d.Exponential(-1.0),
    lambda: d.Exponential(math.nan),
    lambda: d.Exponential.from_mean(0.0),
    lambda: d.Weibull(0.0, 1.0),
    lambda: d.Weibull(1.0, math.inf),
    lambda: d.Weibull.from_mean(2.0, -3.0),
    lambda: d.Lognormal(math.nan, 1.0),
    lambda: d.Lognormal(0.0, 0.0),
    lambda: d.Lognormal.from_median(0.0, 1.0),
    lambda: d.Lognormal.from_mean_sd(1.0, 0.0),
    lambda: d.Gamma(-1.0, 1.0),
    lambda: d.Gamma(1.0, 0.0),
    lambda: d.LogLogistic(0.0, 1.0),
    lambda: d.LogLogistic.from_median(-1.0, 2.0),
    lambda: d.Bathtub(1.0, 1.0, 0.0, 2.0, 1.0),
    lambda: d.Bathtub(0.5, 1.0, 0.0, 1.0, 1.0),
    lambda: d.Bathtub(0.5, 1.0, -1.0, 2.0, 1.0),
    lambda: d.Bathtub(0.5, 0.0, 1.0, 2.0, 1.0),
    lambda: d.PiecewiseConstant((), ()),
    lambda: d.PiecewiseConstant((0.0, 1.0), (1.0,)),
    lambda: d.PiecewiseConstant((1.0, 2.0), (1.0, 2.0)),
    lambda: d.PiecewiseConstant((0.0, 2.0, 2.0), (1.0, 2.0, 3.0)),
    lambda: d.PiecewiseConstant((0.0, math.nan), (1.0, 2.0)),
    lambda: d.PiecewiseConstant((0.0,), (-1.0,)),
    lambda: d.Empirical(()),
    lambda: d.Empirical((0.0, 1.0)),
    lambda: d.Empirical((1.0, math.inf)),
    lambda: d.Empirical((1.0, math.nan, 2.0)),
    lambda: d.Deterministic(-1.0),
    lambda: d.Deterministic(math.inf),
    lambda: d.Uniform(-1.0, 1.0),
    lambda: d.Uniform(1.0, 1.0),
]


@pytest.mark.parametrize("make", WRONG)
def test_impossible_parameters_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"got .*, want "):
        make()  # type: ignore[operator]


@every
def test_laws_are_values(law: d.Distribution) -> None:
    assert hash(law) == hash(law)
    with pytest.raises(AttributeError):
        setattr(law, next(iter(law.__dataclass_fields__)), 3.0)
    if not isinstance(law, d.ProportionalHazard):
        fields = {name: getattr(law, name) for name in law.__dataclass_fields__ if not name.startswith("_")}
        assert type(law)(**fields) == law


def test_lists_of_values_are_kept_as_tuples() -> None:
    assert d.Empirical([3.0, 1.0]) == d.Empirical((1.0, 3.0))  # type: ignore[arg-type]
    assert d.PiecewiseConstant([0.0, 1.0], [1.0, 2.0]).edges_h == (0.0, 1.0)  # type: ignore[arg-type]


def test_import_does_not_load_scipy() -> None:
    code = "import sys, ras_sim.distributions; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
