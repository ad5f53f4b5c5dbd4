"""What the jobs of the tests do; apart, so that a worker process imports nothing heavy."""

from functools import partial

from simulator.jobs import Job, key_of


def work(log, number, folder, progress):
    """Write a square, and a line in the log."""
    with log.open("a") as lines:
        lines.write(f"{number}\n")
    progress(0.5)
    (folder / "answer.txt").write_text(str(number**2))


def fail(number, folder, progress):
    (folder / "answer.txt").write_text("half an answ")
    raise ZeroDivisionError(f"job {number}")


def size_of(common, folder, progress):
    (folder / "size.txt").write_text(str(len(common)))


def squares(place, count=4):
    return [
        Job(key_of(number=n), partial(work, place / "log.txt", n), place / f"{n:02d}")
        for n in range(count)
    ]


def ruin(folder, progress):
    from stand_in_cluster import KilledWorker

    raise KilledWorker(
        "Attempted to run task on 4 different workers, but all those workers died while running it."
    )
