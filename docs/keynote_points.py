"""What the keynote asks of a cluster, each point as pairs of scenarios in scenarios/keynote/ that differ in one property."""

from __future__ import annotations

from docs.keynote_containment import CONTAINMENT
from docs.keynote_pairs import Pair, Point, Range, on_both

_TRAVEL = Range("repair.technicians.travel.median", ("2 h", "8 h", "24 h"))
_EXPOSED = "job.parallel.exposed"

POINTS: tuple[Point, ...] = (
    Point(
        "S1",
        "Optics alone have an MTBF measured in minutes; then memory, boards and more.",
        "optics that fail a tenth as often",
        on_both("s01_optics"),
        "Each GPU hangs on a link with two optics, so a machine of this size has tens of thousands of them, and each that "
        "dies takes a rank and with it the job. What is gained is not the time of repair, which a spare hides, but "
        "detection, diagnosis, start-up and the work since the last checkpoint, once for each optic that does not die. The "
        "published rates of the two machines' optics are a factor of seven apart, and the gains nearly so.",
        (Range("detection.diagnose", ("2 min", "5 min", "15 min")),),
    ),
    Point(
        "S2",
        "Silent data corruption: disturbingly common, sometimes unreproducible.",
        "tests in production and in stops, beside a monitor of the training",
        on_both("s02_tests", "clean_goodput", 64, (20, 14)),
        "A defective GPU corrupts about once a week. A monitor must notice, a replay must show it, the right node "
        "must be accused and the check must find the defect: weeks pass, all of which are thrown away, or are tainted "
        "at the end without anybody knowing. Tests find most defects before that, some of them before they have "
        "corrupted anything. What cannot be reproduced is never found by either, and taints the rest of its run.",
        (
            Range("failures.gpu.sdc.corrupts.reproducible", ("50 %", "80 %", "100 %"), 24),
            Range("failures.gpu.sdc.corrupts.rate", ("1 per 3 weeks", "1 per week", "3 per week"), 24),
        ),
    ),
    Point(
        "S2",
        "Corruption taints every checkpoint after it.",
        "one checkpoint for each day is kept for 30 days",
        on_both("s02_keep", "clean_goodput", 64, (32, 32)),
        "Corruption is found days after it began. If the last two hours of checkpoints are all there is, none of them "
        "is sound, and the job begins again; one checkpoint a day bounds what is lost by the age of the corruption "
        "and a day. Both fleets are tested. A monitor that notices more finds corruption while it is young, and leaves "
        "less for old checkpoints to save.",
        (Range("detection.monitors.loss.notices", ("20 %", "50 %", "90 %"), 24),),
    ),
    Point(
        "S2",
        "Suspicion may be wrong.",
        "suspect steps are replayed before anybody is accused",
        on_both("s02_replay", "clean_goodput", 64, (12, 48)),
        "Of sixteen alarms fifteen are false. Each that accuses a node stops the job, throws away the work since the "
        "moment that is suspected, an hour before on average, and takes a spare for hours; a replay pauses the job for two "
        "minutes and dismisses it. It dismisses true alarms, too: what does not show twice taints on. So goodput gains more "
        "than clean goodput does, and with few false alarms the replay may cost more than it saves.",
        (Range("detection.monitors.loss.false_alarms", ("5 per week", "14 per week", "42 per week"), 24),),
    ),
    Point(
        "S3",
        "Failures have a very wide blast radius: one part stops a job of 100,000.",
        "two links for each NIC, of which one is enough",
        on_both("s03_blast", replications=64, n_sign=(32, 5)),
        "With one link a dead optic, a pulled cable or a leaf switch that crashes takes ranks from the job, and one lost "
        "rank stops all. With two, on two leafs, the NIC runs on at half its bandwidth until the fault is found and "
        "located; then the job saves its work and swaps in a spare, which spares it the diagnosis and the work since the "
        "last checkpoint. A leaf narrows its nodes and stops nobody. But there are twice as many links and optics that can "
        "fail, so that the job stops more often, though each stop is cheaper, and each wants a technician. With the optics "
        "of the racks (MTBF 550,000 h) the six technicians of the first machine cannot keep up with twice as many: nodes "
        "wait for them, spares run out, and the second link costs far more than it saves.",
        (
            Range(f"{_EXPOSED}.data", ("3 %", "10 %", "30 %")),
            Range("failures.optic.dead.rate", ("0.0065 %/month", "0.01944 %/month", "0.058 %/month", "MTBF 550000 h")),
        ),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: exception, process restart, GPU reset, node reboot, RMA.",
        "a ladder that is climbed from the rung that fits, in place of an RMA for every fault",
        on_both("s04_ladder", "technician_h"),
        "If every fault is an RMA, each takes a technician there and a node out for hours; the ladder cures most faults "
        "without anybody at the machine. With spares enough and technicians a few hours away, as here, goodput is even "
        "lower with it: the job waits two minutes for a GPU reset, which often does not help, while for an RMA it "
        "swaps in a spare at once (the next two points do both). Where technicians are a day away, their hours are "
        "all used up either way, an RMA for every fault uses up the spares too, and the job stands still.",
        (_TRAVEL,),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: nobody waits for a rung.",
        "the job swaps in a spare while a GPU is reset, and does not wait for it",
        on_both("s04_swap", base="s04_ladder"),
        "A swap takes a minute, a reset two; and a reset that did not help is followed by a reboot, which swaps in a spare "
        "anyway. A reset that seemed to help and did not strikes only when its node serves again, and a spare may not. So "
        "it gains even where the reset is quicker than the swap. The price: half as many nodes again leave the pool of "
        "spares, most of them for minutes.",
        (Range("repair.ladder.gpu_reset.duration", ("30 s", "2 min", "10 min")),),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: the whole ladder, climbed beside the job.",
        "a ladder that is climbed while a spare serves, in place of an RMA for every fault",
        tuple(
            Pair(one.machine, one.without.replace("swap", "ladder"), one.with_, "technician_h")
            for one in on_both("s04_swap")
        ),
        "Both swap in a spare at once, so goodput hardly differs: the ladder loses a little to faults that come back after "
        "a rung that seemed to have cured them, and gains where an RMA for every fault leaves too few spares. What is saved "
        "are people: about half of the technicians' hours.",
        (_TRAVEL,),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: first find the right node.",
        "diagnosis that finds the right node, in place of an innocent one for each tenth fault",
        on_both("s04_location"),
        "The innocent node is repaired for nothing, and the guilty one stays in the job and strikes again: one fault is "
        "paid for several times, and each time with the work since the last checkpoint.",
        (Range("detection.location.wrong", ("3 %", "10 %", "30 %"), set_in="without"),),
    ),
    Point(
        "S4",
        "Minimise the cost of repair: notice a fault at once.",
        "heartbeats of every node beside the timeouts, with their false alarms",
        on_both("s04_watchdogs", n_sign=(14, 6)),
        "A hang is noticed within half a minute, not when a collective times out. Crashes are noticed almost as soon "
        "anyway, and a false alarm stops the job as a fault does. Seven hangs in a run do not make much of it.",
        (
            Range("detection.hang", ("2 min", "10 min", "30 min")),
            Range(
                "detection.watchdogs.heartbeat.false_alarms",
                ("1 per 90 days", "1 per 30 days", "1 per 10 days"),
                set_in="with",
            ),
        ),
    ),
    *CONTAINMENT,
    Point(
        "S8",
        "Graceful degradation: some failures are more worth technician time than others.",
        "a lost rail slows the job, and is mended when the job is down anyway",
        on_both("s08_rail"),
        "A node with one rail less has seven eighths of its bandwidth (three quarters with four GPUs): all ranks wait a "
        "little longer in every step. Until the next stop, hours away, that costs minutes; a stop of its own would cost "
        "detection, diagnosis, start-up and lost work.",
        (Range(f"{_EXPOSED}.data", ("3 %", "10 %", "30 %")),),
    ),
    Point(
        "S8",
        "Disable faulty banks of second-tier memory instead of RMA.",
        "a faulty bank is disabled, up to two in a node",
        on_both("s08_memory", "technician_h", 64, (20, 32)),
        "The node comes back from a reboot with one bank of 32 (16) less and stays in the job, which waits a little longer "
        "for memory; nobody has to come. Goodput does not gain, since a spare hides the repair of the other design, and all "
        "ranks wait for the one node with the fewest banks. What is saved are hours of technicians, and nodes on the shelf.",
        (
            Range(f"{_EXPOSED}.memory", ("0.7 %", "2 %", "6 %"), 24),
            Range(
                "failures.dimm.due.rate", ("7 in 65536 x 54 days", "20 in 65536 x 54 days", "60 in 65536 x 54 days"), 24
            ),
        ),
    ),
    Point(
        "S9",
        "Validation must be automated, fast, extensive and performable in the field.",
        "short tests before each start and while the job runs",
        on_both("s09_field"),
        "Many faults are defects for days before they stop the job. A test that finds one takes the node out "
        "after a save, when the job is down anyway or in a drained stop: no detection, no diagnosis, no lost work. It "
        "costs its duration in every start of the whole job.",
        (
            Range("failures.gpu.faulty.incubates.mean", ("1 d", "3 d", "10 d")),
            Range("repair.tests.start.coverage", ("10 %", "30 %", "90 %"), set_in="with"),
            Range("repair.tests.start.duration", ("10 s", "30 s", "90 s"), set_in="with"),
        ),
    ),
    Point(
        "S9",
        "In-depth correctness checks after an SDC accusation.",
        "an in-depth check decides whether an accused node is repaired",
        on_both("s02_check", "technician_h", 64),
        "Most accused nodes are innocent. Without a check each of them loses a GPU to an RMA; with it they are back in four "
        "hours, and nobody has to come. The price: whoever convicts on every suspicion loses good GPUs, not priced "
        "here, but also the bad ones; a check lets go what it cannot reproduce, and that node corrupts on, so that less of "
        "the work can be trusted. Where everything can be reproduced that price is gone; and to find nine in ten is as good "
        "as to find all, since who is acquitted is accused again.",
        (
            Range("failures.gpu.sdc.corrupts.reproducible", ("50 %", "80 %", "100 %"), 24),
            Range("repair.tests.deep.coverage", ("50 %", "90 %", "99 %"), 24, "with"),
            Range("detection.monitors.loss.false_alarms", ("5 per week", "14 per week", "42 per week"), 24),
        ),
    ),
    Point(
        "S12",
        "Design for mass deployment: new batches with infant mortality, burn-in.",
        "new nodes that were burnt in for four days",
        on_both("s12_burnin"),
        "Where the hazard falls with age, the failures of the first days happen in the burn-in and stop no job. What the "
        f"burn-in itself takes is not charged here: four days of 512 nodes are {512 * 8 * 4 * 24:,} GPU-hours, several "
        "times what it saves in the 54 days after it. So it is worth it while those nodes cannot serve a job yet, and not "
        "where they could.",
        (
            Range("fleet.batches.new.count", ("170", "512")),
            Range("fleet.batches.new.start_age", ("32 h", "96 h", "288 h"), set_in="with"),
        ),
    ),
    Point(
        "S12",
        "Batches with a common defect.",
        "a batch of a quarter of the nodes whose memory is like that of the others",
        on_both("s12_defect"),
        "A part that fails five times as often in a quarter of the nodes is met by all ranks: rates add up, so that the "
        "whole job is stopped by such parts twice as often as it would be.",
        (
            Range("fleet.batches.bad.count", ("170", "512", "1536")),
            Range("fleet.batches.bad.defect.factor", ("2", "5", "15"), set_in="without"),
        ),
    ),
    Point(
        "S12",
        "Phased roll-out of a fleet that grows 4-5x a year.",
        "spare nodes that come in batches, as they are needed",
        on_both("s12_rollout", "cluster_goodput"),
        "Nodes that are not there yet are not paid for; as long as enough spares are there, the job does not miss them. "
        "What is gained is not work but idle nodes: a greater share of the installed GPUs does useful work.",
        (_TRAVEL,),
    ),
    Point(
        "S12",
        "Firmware waves that can go wrong.",
        "new firmware on a few nodes first, then in waves",
        on_both("s12_firmware"),
        "Bad firmware that is on all nodes stops the job many times a day until it is found; on a few it hardly "
        "does. Good firmware costs a planned stop for each wave. It is assumed that it is found as quickly on few nodes.",
        (
            Range("fleet.waves.firmware.bad.p", ("0 %", "50 %", "100 %")),
            Range("fleet.waves.firmware.bad.found_after", ("16 h", "2 d", "6 d"), 24),
        ),
    ),
    Point(
        "S12",
        "Correlated trouble: rack power, cooling, control plane, file system, power swings.",
        "trouble kept apart: two feeds, a spare pump, a control plane and a storage of the job's own",
        on_both("s12_correlated", n_sign=(8, 8)),
        "A cooling loop takes more nodes than there are spares, so the job waits for its repair. Outages of the storage "
        "stop no job that runs, but one that has been stopped cannot restore; neighbours make each restore longer.",
        (
            Range(
                "failures.cooling_loop.warm.rate",
                ("1 in 51 x 54 days", "1 in 17 x 54 days", "3 in 17 x 54 days"),
                24,
                "without",
            ),
            Range(
                "services.neighbours.left",
                ("{restore: 0.75, save: 0.75}", "{restore: 0.25, save: 0.25}", "{restore: 0.1, save: 0.1}"),
                24,
                "without",
            ),
        ),
    ),
    Point(
        "S13",
        "Synchronous SGD with many forms of data and model parallelism.",
        "tensor-parallel (on racks: expert-parallel) groups that fit into one NVLink domain",
        on_both("s13_parallel"),
        "A group that is wider than its NVLink domain sends its traffic over the fabric, where links and switches are "
        "lost more often: the share of a step that waits for the narrowest place grows, and every uplink that is down "
        "slows all ranks more. Only this cost of failures is priced here, not that of a slower step on a sound fabric, "
        "which is the larger one.",
        (Range(f"{_EXPOSED}.tensor", ("2 %", "5 %", "15 %")),),
    ),
    Point(
        "S13",
        "Data-parallel width as the elastic unit.",
        "a job that goes on with fewer replicas when spares are lacking",
        on_both("s13_width"),
        "When more nodes are out than there are spares, a job of fixed width stands still until a technician has "
        "brought one back. An elastic one gives up a replica or two of 128, a per cent of its speed, and what is left "
        "of a replica that lost one node serves as spares for the next losses. It pays for that with a stop to grow. With "
        "16 spares there is little left to gain.",
        (
            Range("job.spares.nodes", ("0", "2", "4", "16")),
            Range("job.elastic.reconfigure", ("10 s", "30 s", "90 s"), set_in="with"),
        ),
    ),
    Point(
        "S13",
        "Synchronous SGD: one lost rank stops every rank.",
        "a failing replica drops out of the step, and the others go on",
        on_both("s13_step"),
        "The others lose neither work nor time to start up: a failure costs one replica of 128 for as long as its repair "
        "takes, where it cost the whole job a quarter of an hour. What the quorum of every step costs is not charged: a few "
        "per cent of each step would use up the gain.",
        (
            Range("detection.diagnose", ("2 min", "5 min", "15 min")),
            Range("job.elastic.in_step.rejoin", ("67 s", "200 s", "10 min"), set_in="with"),
        ),
    ),
)
"""In the order of the keynote."""
