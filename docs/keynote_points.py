"""What the keynote asks of a cluster, each point as pairs of scenarios in scenarios/keynote/ that differ in one property."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scenarios that differ in one property.

    Args:
        machine: what the table calls the machine.
        without: file of the scenario without the property: the base.
        with_: file of the scenario with it.
        metric: what the property is worth is read from this one (names as in a comparison).
        replications: histories that both meet.
    """

    machine: str
    without: str
    with_: str
    metric: str = "goodput"
    replications: int = 24


@dataclass(frozen=True, slots=True)
class Range:
    """An assumed number on which the answer rests, and the values at which it is asked again.

    Args:
        key: dotted path, set in both scenarios of the point's first pair.
        values: as written in a scenario.
        replications: histories of each value.
    """

    key: str
    values: tuple[str, ...]
    replications: int = 12


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the keynote.

    Args:
        key: S1, S2, ...; a point with several properties has several entries.
        claim: what the keynote says.
        prop: the property that the second scenario has and the first has not.
        pairs: on one machine each, or a family on one machine.
        mechanism: why it is worth something, in words; the numbers are computed.
        ranges: assumed numbers that move the answer.
    """

    key: str
    claim: str
    prop: str
    pairs: tuple[Pair, ...]
    mechanism: str
    ranges: tuple[Range, ...] = ()


HGX, NVL72 = "16,384 H100, HGX", "16,384 GB200, NVL72"


def on_both(topic: str, metric: str = "goodput", replications: int = 24) -> tuple[Pair, ...]:
    """The pair TOPIC_hgx_without.yaml, TOPIC_hgx.yaml and the same on NVL72."""
    return tuple(
        Pair(name, f"{topic}_{short}_without.yaml", f"{topic}_{short}.yaml", metric, replications)
        for name, short in ((HGX, "hgx"), (NVL72, "nvl72"))
    )


POINTS: tuple[Point, ...] = (
    Point(
        "S1",
        "Optics alone have an MTBF measured in minutes; then memory, boards and more.",
        "optics that fail a tenth as often",
        on_both("s01_optics"),
        "Each GPU hangs on a link with two optics, so a machine of this size has tens of thousands of them, and each that "
        "dies takes a rank and with it the job. What is gained is not the time of repair, which a spare hides, but "
        "detection, diagnosis, start-up and the work since the last checkpoint, once for each optic that does not die.",
        (Range("detection.diagnose", ("2 min", "5 min", "15 min")),),
    ),
    Point(
        "S2",
        "Silent data corruption: disturbingly common, sometimes unreproducible.",
        "tests in production and in stops, beside a monitor of the training",
        (Pair(HGX, "s02_tests_hgx_without.yaml", "s02_tests_hgx.yaml", "clean_goodput", 48),),
        "A defective GPU corrupts about once a week. A monitor must notice, a replay must show it, the right node "
        "must be accused and the check must find the defect: weeks pass, all of which are thrown away, or are tainted "
        "at the end without anybody knowing. Tests find most defects before that, some of them before they have "
        "corrupted anything. What cannot be reproduced is never found by either.",
        (Range("failures.gpu.sdc.corrupts.reproducible", ("50 %", "80 %", "100 %"), 24),),
    ),
    Point(
        "S2",
        "Corruption taints every checkpoint after it.",
        "one checkpoint for each day is kept for 30 days",
        (Pair(HGX, "s02_keep_hgx_without.yaml", "s02_keep_hgx.yaml", "goodput", 48),),
        "Corruption is found days after it began. If the last two hours of checkpoints are all there is, none of them "
        "is sound, and the job begins again; one checkpoint a day bounds what is lost by the age of the corruption "
        "and a day.",
    ),
    Point(
        "S2",
        "Suspicion may be wrong.",
        "suspect steps are replayed before anybody is accused",
        (Pair(HGX, "s02_replay_hgx_without.yaml", "s02_replay_hgx.yaml", "goodput", 48),),
        "Of sixteen alarms fifteen are false. Each that accuses a node stops the job, throws away the work since the "
        "checkpoint before it, and takes a spare for hours; a replay pauses the job for two minutes and dismisses it.",
    ),
    Point(
        "S3",
        "Failures have a very wide blast radius: one part stops a job of 100,000.",
        "two links for each NIC, of which one is enough",
        on_both("s03_blast"),
        "With one link a dead optic, a pulled cable or a leaf switch that crashes takes ranks from the job, and one lost "
        "rank stops all. With two, on two leafs, the NIC runs on at half its bandwidth until the fault is found and "
        "located; then the job saves its work and swaps in a spare, which spares it the diagnosis and the work since the "
        "last checkpoint. But there are twice as many optics that can fail, each of which wants a technician. So it pays "
        "where links fail often, as on the second machine, and hardly where they do not. To run on until the link is "
        "mended would cost far more than the crash.",
        (Range("job.parallel.exposed.data", ("5 %", "10 %", "20 %")),),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: exception, process restart, GPU reset, node reboot, RMA.",
        "a ladder that is climbed from the rung that fits, in place of an RMA for every fault",
        on_both("s04_ladder", "technician_h"),
        "If every fault is an RMA, each takes a technician there and a node out for hours; the ladder cures most faults "
        "without anybody at the machine. With spares enough and technicians a few hours away, as here, goodput is even a "
        "little lower with it: the job waits two minutes for a GPU reset, which often does not help, while for an RMA it "
        "swaps in a spare at once. Where technicians are far away, an RMA for every fault uses up the spares, and the job "
        "stands still. So the price of a repair is paid in people, parts and spares before it is paid in goodput.",
        (Range("repair.technicians.travel.median", ("2 h", "8 h", "24 h")),),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: first find the right node.",
        "diagnosis that finds the right node, in place of an innocent one for each tenth fault",
        (Pair(HGX, "s04_location_hgx_without.yaml", "s04_location_hgx.yaml"),),
        "The innocent node is repaired for nothing, and the guilty one stays in the job and strikes again: one fault is "
        "paid for several times, and each time with the work since the last checkpoint.",
    ),
    Point(
        "S4",
        "Minimise the cost of repair: notice a fault at once.",
        "heartbeats of every node beside the timeouts, with their false alarms",
        (Pair(HGX, "s04_watchdogs_hgx_without.yaml", "s04_watchdogs_hgx.yaml"),),
        "A hang is noticed within half a minute, not when a collective times out. Crashes are noticed almost as soon "
        "anyway, and a false alarm stops the job as a fault does.",
    ),
    Point(
        "S5",
        "Ideally a failed write over the scale-up fabric is a catchable exception.",
        "a failed write is caught and retried, in place of killing its domain",
        on_both("s05_write"),
        "An exception stops the step, not the processes: what a retry cures costs seconds, and the rest is still looked "
        "into and climbs the ladder. A domain that dies has to be found, located and started again with all the work since "
        "the last checkpoint; and a rack of 72 that must be replaced takes 18 spare trays at once.",
        (Range("job.checkpoints.remote.interval", ("15 min", "1 h", "2 h")),),
    ),
    Point(
        "S6",
        "Link flaps on one port should not affect neighbouring ports.",
        "a flap stays on its own port",
        (Pair(HGX, "s06_port_hgx_without.yaml", "s06_port_hgx.yaml"),),
        "Each NIC has a port on two leafs, so that a lost link only narrows it. That is worth nothing if the flap takes the "
        "other port of the same NIC too, or of a neighbour's: then ranks are lost, and the job stops.",
        (Range("failures.link.flap.rate", ("0.05 per link-year", "0.18 per link-year", "0.5 per link-year")),),
    ),
    Point(
        "S6",
        "Flap damping, and a rule that tolerates a flap and evicts on the second.",
        "the first flap of a port is sat out, a second one within a day is repaired",
        on_both("s06_tolerate"),
        "A flap is over by itself. A job that waits half a minute for the link loses half a minute; one that crashes loses "
        "detection, diagnosis, start-up and the work since the last checkpoint. A port that flaps because its optic is "
        "dirty comes back, and is then repaired.",
        (Range("failures.link.flap.rate", ("0.05 per link-year", "0.18 per link-year", "0.5 per link-year")),),
    ),
    Point(
        "S7",
        "An uncorrectable memory error should affect only its own GPU, even with a coherent memory fabric.",
        "a memory error stays in its own GPU, in place of killing its coherent domain",
        (
            Pair("16,384 H100, domains of 8", "s07_domain_hgx_without.yaml", "s07_domain_hgx.yaml"),
            Pair(
                "16,384 GB200, domains of 72", "s07_domain_nvl72_without.yaml", "s07_domain_nvl72.yaml", "spares_taken"
            ),
            Pair("16,384 GB200, domains of 576", "s07_domain_nvl576_without.yaml", "s07_domain_nvl576.yaml"),
        ),
        "One lost rank stops the job as surely as a lost domain does. What grows with the domain is the repair: a node is "
        "out for one GPU as for eight, but 18 or 144 trays are out until the one part is repaired, and if that is an RMA "
        "there are hardly so many spares. Domains of 8 are nodes, and gain nothing.",
    ),
    Point(
        "S7",
        "Row-remap, page-offline and spare-row budgets before an RMA is due.",
        "eight spare rows in each memory stack",
        on_both("s07_rows"),
        "With a spare row the error is gone after a reset of minutes; without one its GPU is replaced, which takes a "
        "technician and a spare node, and more of each than there may be.",
        (Range("repair.technicians.travel.median", ("2 h", "8 h", "24 h")),),
    ),
    Point(
        "S7",
        "Poison that is consumed or not.",
        "half of the poisoned data is never consumed",
        on_both("s07_poison"),
        "An error in a page that nobody reads harms nobody. Each one that is not consumed spares the job a whole "
        "interruption.",
    ),
    Point(
        "S7",
        "NVSwitch loss degrades or kills its domain.",
        "a lost NVSwitch slows its domain, in place of killing it",
        on_both("s07_nvswitch"),
        "The domain runs on with the share of its scale-up bandwidth that is left: k - 1 of k NVSwitches. Killed, it takes "
        "all its nodes out of the job until a technician has been there.",
        (Range("job.parallel.exposed.tensor", ("2 %", "5 %", "10 %")),),
    ),
    Point(
        "S8",
        "Graceful degradation: some failures are more worth technician time than others.",
        "a lost rail slows the job, and is mended when the job is down anyway",
        on_both("s08_rail"),
        "A node with one rail less has seven eighths of its bandwidth (three quarters with four GPUs): all ranks wait a "
        "little longer in every step. Until the next stop, hours away, that costs minutes; a stop of its own would cost "
        "detection, diagnosis, start-up and lost work.",
        (Range("job.parallel.exposed.data", ("5 %", "10 %", "30 %")),),
    ),
    Point(
        "S8",
        "Disable faulty banks of second-tier memory instead of RMA.",
        "a faulty bank is disabled, up to two in a node",
        (Pair(HGX, "s08_memory_hgx_without.yaml", "s08_memory_hgx.yaml", "technician_h"),),
        "The node comes back from a reboot with one bank of 32 less and stays in the job, which waits a little longer for "
        "memory; nobody has to come. Goodput hardly moves, since a spare hides the repair in both: what is saved are "
        "hours of technicians, and nodes on the shelf.",
    ),
    Point(
        "S9",
        "Validation must be automated, fast, extensive and performable in the field.",
        "short tests before each start and while the job runs",
        (Pair(HGX, "s09_field_hgx_without.yaml", "s09_field_hgx.yaml"),),
        "Half of the faults are defects for days before they stop the job. A test that finds one takes the node out "
        "after a save, when the job is down anyway or in a drained stop: no detection, no diagnosis, no lost work. It "
        "costs its duration in every start of the whole job.",
        (Range("failures.gpu.faulty.incubates.mean", ("1 d", "3 d", "10 d")),),
    ),
    Point(
        "S9",
        "In-depth correctness checks after an SDC accusation.",
        "an in-depth check decides whether an accused node is repaired",
        (Pair(HGX, "s02_check_hgx_without.yaml", "s02_check_hgx.yaml", "technician_h", 48),),
        "Most accused nodes are innocent. Without a check each of them loses a GPU to an RMA; with it they are back "
        "in four hours. The price: a guilty node that the check misses goes back, too, and corrupts on.",
    ),
    Point(
        "S12",
        "Design for mass deployment: new batches with infant mortality, burn-in.",
        "new nodes that were burnt in for four days",
        (Pair(HGX, "s12_burnin_hgx_without.yaml", "s12_burnin_hgx.yaml"),),
        "Where the hazard falls with age, the failures of the first days happen in the burn-in and stop no job. What the "
        "burn-in itself takes, four days of a quarter of the nodes, is not charged here: it is worth it beside work that "
        "goes on, and not where the job has to wait for it.",
        (Range("fleet.batches.new.count", ("128", "512")),),
    ),
    Point(
        "S12",
        "Batches with a common defect.",
        "a batch of 512 nodes whose memory is like that of the others",
        (Pair(HGX, "s12_defect_hgx_without.yaml", "s12_defect_hgx.yaml"),),
        "A part that fails five times as often in a quarter of the nodes is met by all ranks: rates add up, so that the "
        "whole job is stopped by such parts twice as often as it would be.",
        (Range("fleet.batches.bad.count", ("128", "512", "1024")),),
    ),
    Point(
        "S12",
        "Phased roll-out of a fleet that grows 4-5x a year.",
        "spare nodes that come in batches, as they are needed",
        (Pair(HGX, "s12_rollout_hgx_without.yaml", "s12_rollout_hgx.yaml", "cluster_goodput"),),
        "Nodes that are not there yet are not paid for; as long as enough spares are there, the job does not miss them.",
    ),
    Point(
        "S12",
        "Firmware waves that can go wrong.",
        "new firmware on 32 nodes first, then in waves",
        (Pair(HGX, "s12_firmware_hgx_without.yaml", "s12_firmware_hgx.yaml"),),
        "Bad firmware that is on all nodes stops the job many times a day until it is found; on 32 nodes of 2,080 it hardly "
        "does. Good firmware costs a planned stop for each wave. It is assumed that it is found as quickly on few nodes.",
        (Range("fleet.waves.firmware.bad.p", ("0 %", "50 %", "100 %")),),
    ),
    Point(
        "S12",
        "Correlated trouble: rack power, cooling, control plane, file system, power swings.",
        "trouble kept apart: two feeds, a spare pump, a control plane and a storage of the job's own",
        (Pair(HGX, "s12_correlated_hgx_without.yaml", "s12_correlated_hgx.yaml"),),
        "A loop takes more nodes than there are spares, so the job waits for its repair. Outages of the storage stop no job "
        "that runs, but one that has been stopped cannot restore; neighbours that use it make each restore longer.",
        (Range("job.checkpoints.remote.restore", ("1 min", "129.49 s", "5 min")),),
    ),
    Point(
        "S13",
        "Synchronous SGD with many forms of data and model parallelism.",
        "tensor-parallel groups that fit into one NVLink domain",
        (Pair(HGX, "s13_parallel_hgx_without.yaml", "s13_parallel_hgx.yaml"),),
        "A group that is wider than its NVLink domain sends its traffic over the fabric, where links and switches are "
        "lost more often: the share of a step that waits for the narrowest place grows, and every uplink that is down "
        "slows all ranks more. Only this cost of failures is priced here, not that of a slower step on a sound fabric.",
        (Range("job.parallel.exposed.tensor", ("2 %", "5 %", "10 %")),),
    ),
    Point(
        "S13",
        "Data-parallel width as the elastic unit.",
        "a job that goes on with fewer replicas when spares are lacking",
        on_both("s13_width"),
        "When more nodes are out than there are spares, a job of fixed width stands still until a technician has "
        "brought one back. An elastic one gives up a replica or two of 128, a per cent of its speed, and what is left "
        "of a replica that lost one node serves as spares for the next losses. It pays for that with a stop to grow.",
        (Range("job.spares.nodes", ("0", "4", "16")),),
    ),
    Point(
        "S13",
        "Synchronous SGD: one lost rank stops every rank.",
        "a failing replica drops out of the step, and the others go on",
        on_both("s13_step"),
        "The others lose neither work nor time to start up: a failure costs one replica of 128 for as long as its repair "
        "takes, where it cost the whole job a quarter of an hour. What the quorum of every step costs is not charged.",
        (Range("detection.diagnose", ("2 min", "15 min")),),
    ),
)
"""In the order of the keynote."""
