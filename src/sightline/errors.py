"""Every error that sightline raises on purpose.

::

    SightlineError                  one line for a person: what was wanted, what came, the way out
    ├── InputError                  an argument, option or file given by the user cannot be used
    │   ├── DatasetError            the folder of pictures cannot become a dataset
    │   ├── WeightsError            initial weights cannot be had or do not fit
    │   └── RecipeError             a recipe cannot be read or does not fit what it is used with
    ├── PluginError                 a plugin cannot be used
    │   ├── UnknownPlugin           no plugin of that name; lists those there are
    │   └── MissingExtra            a plugin's or a stage's library is not installed; says the command
    ├── TrainingError               training cannot go on
    │   └── NotFinite               the loss stopped being a number; names the batch
    ├── Interrupted                 the user stopped a long job; says how to go on
    ├── StorageError                the disk or the catalogue refused
    │   └── WorkspaceError          there is no usable workspace here
    ├── BundleError                 a bundle is refused
    │   ├── DamagedBundle           its bytes are not what was sealed; names the member or the structure
    │   └── UntrustedSigner         sealed by a key that nobody here trusts
    ├── ParityError                 an exported model does not answer like the trained one
    ├── RegistryError               a release cannot be found or changed
    │   └── GateHeld                the gate held a promotion back
    ├── NotKept                     the log of predictions has no such record, or not any more
    └── ServingError                a server cannot answer a request
        ├── NotServed               it does not serve that model or version
        ├── Overloaded              too much is waiting already
        └── DeadlinePassed          the answer was not there in time
"""


class SightlineError(Exception):
    """Base of all; its text is one line for a person."""

    exit_code = 1


class InputError(SightlineError):
    """An argument, option or file given by the user cannot be used."""

    exit_code = 2


class DatasetError(InputError):
    """The folder of pictures cannot become a dataset."""


class WeightsError(InputError):
    """Initial weights cannot be had or do not fit."""


class RecipeError(InputError):
    """A recipe cannot be read or does not fit what it is used with."""


class PluginError(SightlineError):
    """A plugin cannot be used."""

    exit_code = 2


class UnknownPlugin(PluginError):
    """No plugin of that name exists in the folder."""


class MissingExtra(PluginError):
    """An optional library is not installed."""


class TrainingError(SightlineError):
    """Training cannot go on."""


class NotFinite(TrainingError):
    """The loss stopped being a finite number."""


class Interrupted(SightlineError):
    """The user stopped a long job; what was finished is kept."""

    exit_code = 130


class StorageError(SightlineError):
    """The disk or the catalogue refused."""


class WorkspaceError(StorageError):
    """There is no usable workspace here."""

    exit_code = 2


class BundleError(SightlineError):
    """A bundle is refused."""


class DamagedBundle(BundleError):
    """The bytes are not what was sealed."""


class UntrustedSigner(BundleError):
    """The bundle was sealed by a key that nobody here trusts."""


class ParityError(SightlineError):
    """An exported model does not answer like the trained one."""


class RegistryError(SightlineError):
    """A release cannot be found or changed."""


class GateHeld(RegistryError):
    """The promotion gate held."""


class NotKept(SightlineError):
    """The log of predictions has no such record, or not any more."""


class ServingError(SightlineError):
    """A server cannot answer a request."""


class NotServed(ServingError):
    """The server does not serve that model or version."""


class Overloaded(ServingError):
    """Too much is waiting already."""


class DeadlinePassed(ServingError):
    """The answer was not there in time."""
