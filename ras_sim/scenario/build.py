"""From what a person wrote to what the engine computes with: plain frozen values, nothing left to interpret."""

from __future__ import annotations

from collections.abc import Mapping

from ras_sim.faults.budget import Budget
from ras_sim.faults.corruption import Corruption, Window
from ras_sim.faults.modes import SYMPTOMS, Burst, FailureMode, Mixture
from ras_sim.faults.shocks import Shock
from ras_sim.repair.diagnostics import Accusation, Monitor, Quarantine, Replay, Test, Validation
from ras_sim.repair.ladder import Ladder, Rung
from ras_sim.repair.shelf import Returns, ShelfRule
from ras_sim.repair.workshop import Technicians
from ras_sim.scenario.build_changes import build_planned, build_preemptions, build_waves
from ras_sim.scenario.build_detection import build_location, build_watchdogs
from ras_sim.scenario.build_fleet import build_fleet, defects_of
from ras_sim.scenario.build_habits import build_double, build_giving_up
from ras_sim.scenario.build_job import LOSS, build_elastic, build_job, build_layout
from ras_sim.scenario.build_policy import build_policy
from ras_sim.scenario.build_services import build_services
from ras_sim.scenario.diagnostics import TestSpec, ValidationSpec
from ras_sim.scenario.failures import SHOWN, BudgetSpec, CorruptsSpec, ModeSpec, MonitorSpec
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.repair import PartSpec, RepairSpec
from ras_sim.scenario.setup import Setup, Warm
from ras_sim.scenario.tariff import build_tariff


def setup_of(scenario: Scenario) -> Setup:
    """The setup of a checked scenario, made once."""
    setup: Setup | None = scenario._setup
    if setup is None:
        setup = scenario._setup = build(scenario)
    return setup


def build(scenario: Scenario) -> Setup:
    """Make the setup of a checked scenario."""
    blueprint = scenario.machine.build()
    gpus_per_node = blueprint.gpus_per_node
    levels = {name: level for level, name in enumerate(scenario.repair.ladder)}
    ladder = build_ladder(scenario.repair)
    modes = build_modes(scenario.failures, levels, defects_of(scenario.fleet))
    ids = {mode.key: mode.mode_id for mode in modes}
    job = scenario.job
    n_job_nodes = job.gpus // gpus_per_node
    repair = scenario.repair
    tests = build_tests(repair.tests or {})
    return Setup(
        name=scenario.name,
        horizon_h=scenario.horizon,
        blueprint=blueprint,
        gpus_per_node=gpus_per_node,
        n_job_nodes=n_job_nodes,
        n_spares=job.spares.nodes,
        spares_within=job.spares.within,
        warm=Warm(job.spares.warm.nodes, job.spares.warm.provision.build()) if job.spares.warm else None,
        elastic=build_elastic(job, gpus_per_node),
        modes=modes,
        shocks=tuple(
            Shock(name, shock.every.build(), shock.under, ids[shock.strikes], shock.p_struck)
            for name, shock in sorted(scenario.shocks.items())
        ),
        fleet=build_fleet(scenario.fleet, modes, blueprint),
        ladder=ladder,
        policy=build_policy(repair, ladder, levels),
        validation=build_validation(repair.validation) if repair.validation else None,
        comes_back=repair.comes_back.build(),
        units=dict(repair.units),
        technicians=build_technicians(repair),
        shelves={name: build_shelf(part) for name, part in sorted(repair.parts.items())},
        job=build_job(job, repair.ladder, tests, blueprint),
        layout=build_layout(job, blueprint.gpus_per_domain),
        swap=job.spares.swap.build(),
        planned=build_planned(job.planned, ids),
        preemptions=build_preemptions(job.preemptions or {}),
        waves=build_waves(scenario.fleet, ids),
        services=build_services(scenario.services or {}, job.checkpoints),
        detection={symptom: scenario.detection.of(symptom) for symptom in SHOWN},
        diagnose=scenario.detection.diagnose.build(),
        watchdogs=build_watchdogs(scenario.detection, job.gpus),
        double=build_double(repair.double_handling),
        gives_up=build_giving_up(job.gives_up),
        location=build_location(scenario.detection),
        tariff=build_tariff(scenario, gpus_per_node),
        monitors=build_monitors(scenario.detection.monitors or {}),
        tests=tests,
        accusation=build_accusation(repair, levels, tests),
    )


def build_modes(
    failures: Mapping[str, Mapping[str, ModeSpec]], levels: Mapping[str, int], defects: set[str]
) -> tuple[FailureMode, ...]:
    """All failure modes, numbered in the order of class and name, whatever the order in the file."""
    named = sorted((cls, name) for cls, modes in failures.items() for name in modes)
    return tuple(
        build_mode(mode_id, cls, name, failures[cls][name], levels, alike=f"{cls}.{name}" not in defects)
        for mode_id, (cls, name) in enumerate(named)
    )


def _needs(spec: ModeSpec, levels: Mapping[str, int]) -> Mixture[int]:
    """The rungs that truly fix a mode, the lowest first; any does for faults without an effect, which need none."""
    rungs = sorted(spec.clears_at.items(), key=lambda item: levels[item[0]]) or [(min(levels, key=levels.__getitem__), 1.0)]
    return Mixture.of({levels[rung]: p for rung, p in rungs})


def build_mode(
    mode_id: int, component_class: str, name: str, spec: ModeSpec, levels: Mapping[str, int], *, alike: bool
) -> FailureMode:
    """One failure mode; the benign faults of a memoryless one are split off by thinning its rate."""
    lifetime, benign_per_h = spec.build_lifetime(), 0.0
    weights = {
        symptom: spec.symptoms.get(symptom, 0.0) for symptom in SYMPTOMS
    }  # in one order, whatever the file's
    effective = weights
    # What follows a benign fault in a burst may be harmful, and one that is taken in uses up the budget of its part, so
    # such faults have an effect.
    plain = spec.frailty is None and spec.burst is None and spec.absorbs is None and alike
    if lifetime is not None and lifetime.memoryless and plain and weights["benign"] > 0.0:
        benign_per_h = weights["benign"] / lifetime.mean_h
        harmful = 1.0 - weights["benign"]
        lifetime = lifetime.scaled(harmful) if harmful > 0.0 else None
        effective = weights | {"benign": 0.0} if harmful > 0.0 else weights
    return FailureMode(
        mode_id=mode_id,
        component_class=component_class,
        name=name,
        lifetime=lifetime,
        start_age_h=spec.start_age,
        clock=spec.clock,
        frailty=spec.frailty.build() if spec.frailty else None,
        symptoms=Mixture.of(effective),
        extra_symptoms=Mixture.of(weights),
        benign_per_h=benign_per_h,
        needs=_needs(spec, levels),
        speed=1.0 if spec.speed is None else spec.speed,
        spreads=dict(spec.spreads),
        burst=Burst(spec.burst.extra, spec.burst.gap.build()) if spec.burst else None,
        detection={symptom: duration.build() for symptom, duration in spec.detection.items()},
        absorbs=build_budget(spec.absorbs, levels),
        p_start=0.0 if spec.p_start is None else spec.p_start,
        season=spec.season.build() if spec.season else None,
        alike=alike,
        corruption=build_corruption(spec.corrupts),
        p_present=spec.present or 0.0,
        incubates=spec.incubates.build() if spec.incubates else None,
    )


def build_budget(spec: BudgetSpec | None, levels: Mapping[str, int]) -> Budget | None:
    """What spares of a part take in, if there are any."""
    return None if spec is None else Budget(spec.faults, levels[spec.then], spec.shows)


def build_ladder(repair: RepairSpec) -> Ladder:
    """The rungs, lowest first."""
    tested = set(repair.validation.after) if repair.validation else set()
    return tuple(
        Rung(
            level=level,
            name=name,
            takes_down=spec.takes_down,
            loses=LOSS[spec.takes_down],
            duration=spec.duration.build(),
            swap=spec.meanwhile == "swap",
            tries=spec.tries,
            p_works=spec.works,
            p_seen=spec.seen,
            age_kept=spec.age_kept,
            technician=spec.technician,
            part=spec.part,
            replaces=spec.replaces,
            powers_off=spec.powers_off,
            applies_to=None if spec.applies_to is None else frozenset(spec.applies_to),
            tested=name in tested,
            disables=spec.disables,
            at_most=spec.at_most,
            cool_down_h=spec.cool_down or 0.0,
            drains=spec.drains or False,
        )
        for level, (name, spec) in enumerate(repair.ladder.items())
    )


def build_validation(spec: ValidationSpec | TestSpec) -> Validation:
    """A test with its errors."""
    return Validation(spec.duration.build(), spec.coverage, spec.false_alarm, dict(spec.coverage_of or {}))


def build_tests(specs: Mapping[str, TestSpec]) -> tuple[Test, ...]:
    """The named tests, by name, whatever the order in the file."""
    return tuple(
        Test(
            name=name,
            errors=build_validation(spec),
            every_h=spec.every,
            takes=spec.takes or "",
            at_once=spec.at_once,
            only_after=(spec.only_after.incidents, spec.only_after.window) if spec.only_after else None,
            at_start=spec.at_start,
            on_accusation=spec.on_accusation,
        )
        for name, spec in sorted(specs.items())
    )


def build_monitors(specs: Mapping[str, MonitorSpec]) -> tuple[Monitor, ...]:
    """The monitors, in the order of the file: the first that notices an event reports it."""
    return tuple(
        Monitor(name, spec.notices, spec.latency.build(), spec.false_alarms) for name, spec in specs.items()
    )


def build_accusation(
    repair: RepairSpec, levels: Mapping[str, int], tests: tuple[Test, ...]
) -> Accusation | None:
    """What follows an accusation, None if nobody is accused."""
    spec = repair.accusation
    if spec is None:
        return None
    replay, quarantine = spec.replay, spec.quarantine
    return Accusation(
        p_locates=spec.locates,
        replay=Replay(replay.duration.build(), replay.reproduces) if replay else None,
        check=next((test for test in tests if test.on_accusation), None),
        quarantine=Quarantine(
            quarantine.accusations, quarantine.window, None if quarantine.rung is None else levels[quarantine.rung]
        )
        if quarantine
        else None,
        part=spec.part,
        level=levels[spec.rung],
    )


def build_corruption(spec: CorruptsSpec | None) -> Corruption | None:
    """How a silent fault corrupts."""
    if spec is None:
        return None
    during = spec.during
    window = Window(during.every, during.lasts, during.begins) if during else None
    return Corruption(spec.rate, window, spec.reproducible, spec.from_load or 0.0)


def build_technicians(repair: RepairSpec) -> Technicians | None:
    """The crew, None if it is unlimited."""
    spec = repair.technicians
    if spec is None:
        return None
    return Technicians(
        crews=spec.rosters(),
        serves={cls: name for name, crew in spec.crews.items() for cls in crew.serves},
        travel=spec.travel.build(),
        hands_over=spec.at_shift_end == "hand_over",
        queue=spec.queue,
        batch=spec.batch.at_most if spec.batch else 1,
        batch_by=spec.batch.by if spec.batch else "",
    )


def build_shelf(spec: PartSpec) -> ShelfRule:
    """The parts of one class: ordered one for one, unless an order is stated."""
    one_for_one = spec.reorder_point is None
    return ShelfRule(
        stock=spec.stock,
        lead_time=spec.lead_time.build(),
        reorder_point=spec.stock - 1 if spec.reorder_point is None else spec.reorder_point,
        order_quantity=1 if one_for_one or spec.order_quantity is None else spec.order_quantity,
        p_doa=spec.doa,
        returns=Returns(spec.returns.turn_round.build(), spec.returns.no_fault_found) if spec.returns else None,
    )
