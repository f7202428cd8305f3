"""What the audit finds in two public detection sets, beside what is known of them.

Data: ``bccd`` and ``deeppcb`` of the shared data. Known: BCCD has two boxes without area; four board groups
of DeepPCB stand in both of its lists, and two of its pictures in none.
"""

from setting import data
from sightline.data.importing import ImportOptions
from sightline.workspace import Workspace


def main() -> None:
    for name in ("bccd", "deeppcb"):
        dataset, report = Workspace.audit(data(name), ImportOptions())
        boxes = sum(len(sample.labels) for sample in dataset.samples)
        print(f"{name}: {len(dataset.samples)} pictures, {boxes} boxes, {len(dataset.set_aside)} set aside")
        for finding in report.findings:
            print(f"  {finding.severity}, {finding.check}: {finding.message}")


if __name__ == "__main__":
    main()
