"""A server as it is to run elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deployment:
    """What deployments have in common, whatever runs them.

    Args:
        name: of everything that is made; a DNS label.
        image: the container image, ``NAME:TAG``.
        version: of sightline inside it.
        releases: what is served, as ``sightline serve`` takes it; empty for all that is in production.
        workspace: the workspace's folder, as it is reached from where the files are written.
        user, group: numbers that own the workspace and run the server; never 0.
        processors: how many it may use.
        memory_mb: how many MB it may use, 10**6 bytes each.
        port: where it listens.
        replicas: least and greatest number of servers.
        shared: whether the catalogue is one that several servers can use.
    """

    name: str
    image: str
    version: str
    releases: tuple[str, ...]
    workspace: str
    user: int
    group: int
    processors: int
    memory_mb: int
    port: int
    replicas: tuple[int, int]
    shared: bool

    @property
    def serve(self) -> tuple[str, ...]:
        """The arguments of ``sightline`` in the container."""
        return ("serve", *self.releases, "--host", "0.0.0.0", "--port", str(self.port))  # noqa: S104

    @property
    def environment(self) -> dict[str, str]:
        """Threads as the limits say: a container still sees all of its machine's processors."""
        return {"SIGHTLINE_THREADS": str(self.processors)}


GRACE_SECONDS = 60
"""From the wish that a server ends to its end: answers under way are still given."""

WORKSPACE = "/workspace"
"""Where the workspace is inside a container."""
