"""The records of the zoo: all that makes its ordinary Lightning modules plugins."""

from lightning_suite import Plugin

autoencoder = Plugin(
    name="autoencoder", summary="An autoencoder", module="zoo.pictures:AutoEncoder", data="zoo.pictures:Pictures"
)
gan = Plugin(
    name="gan", summary="Two networks, two optimizers", module="zoo.pictures:GAN", data="zoo.pictures:Pictures"
)
boring = Plugin(
    name="boring",
    summary="Lightning's own",
    module="pytorch_lightning.demos.boring_classes:BoringModel",
    data="pytorch_lightning.demos.boring_classes:BoringDataModule",
)
recurrent = Plugin(name="recurrent", summary="A hidden state", module="zoo.series:Recurrent", data="zoo.series:Series")
stream = Plugin(name="stream", summary="An IterableDataset", module="zoo.series:Recurrent", data="zoo.series:Stream")
several = Plugin(
    name="several", summary="Many optimizers", module="zoo.points:SeveralOptimizers", data="zoo.points:Points"
)
steps = Plugin(name="steps", summary="A schedule by step", module="zoo.points:StepScheduler", data="zoo.points:Points")
plateau = Plugin(
    name="plateau", summary="A schedule by a metric", module="zoo.points:Plateau", data="zoo.points:Points"
)
network = Plugin(
    name="network", summary="A network as argument", module="zoo.points:WithNetwork", data="zoo.points:Points"
)
compiled = Plugin(name="compiled", summary="Compiled", module="zoo.points:Compiled", data="zoo.points:Points")
averaged = Plugin(
    name="averaged", summary="A moving average", module="zoo.points:MovingAverage", data="zoo.points:Points"
)
loaders = Plugin(name="loaders", summary="Many loaders", module="zoo.loaders:ManyLoaders", data="zoo.loaders:Loaders")
swa = Plugin(name="swa", summary="Stochastic weight averaging", module="zoo.points:Swa", data="zoo.points:Points")
