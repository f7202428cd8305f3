"""What a compressed variant lost, for tests that need one."""

from sightline.values.evaluation import Comparison, Interval, VariantParity


def lost(loss: float = 0.004, most: float = 0.009, *, accepted: bool = False) -> VariantParity:
    """A loss of 0.4 of the 1 point that is allowed, unless said otherwise; ``most`` is its upper end."""
    compared = Comparison(
        metric="top1",
        pictures=400,
        candidate=0.9 - loss,
        incumbent=0.9,
        difference=Interval(-loss, -most, 0.002),
        lower=-most,
        margin=-0.01,
        verdict="not worse",
        passes=most < 0.01,
        lacking=None,
    )
    return VariantParity(compared, 0.01, 7, ("conv_3", "gemm"), 0.001, 0.002, 64, accepted)
