"""One row a kind: its word on the screen and at the shell, its key, and what is said of it. How it is shown is in
the file of its name. Imports nothing: the command line is parsed with it."""

from __future__ import annotations


class Named:
    """`opens` is what its screen shows, for help, where its name does not say it; `listed` what the verb of its
    name prints, where that is a plain listing, and `grouped` whether that takes a group. `supervised`: its rows
    are a process or a unit, or lead to one, which can be signalled and restarted."""

    def __init__(
        self,
        name: str,
        opens: str = "",
        key: str = "",
        aliases: tuple[str, ...] = (),
        listed: str = "",
        *,
        grouped: bool = False,
        supervised: bool = False,
    ) -> None:
        self.name, self.opens, self.key, self.aliases = name, opens, key, aliases
        self.listed, self.grouped, self.supervised = listed, grouped, supervised


NAMED = (
    Named(
        "members",
        key="2",
        aliases=("memb",),
        listed="members of the clusters, and the instances registered in them",
        grouped=True,
        supervised=True,
    ),
    Named("processes", key="3", aliases=("proc", "ps"), supervised=True),
    Named(
        "events",
        "what changed; :events leader keeps those with this word in them, :events shows all",
        "6",
        ("ev",),
        supervised=True,
    ),
    Named("units", "what supervisors keep running", "7", listed="what supervisors keep running", supervised=True),
    Named(
        "targets",
        "what is scraped",
        "8",
        ("tg",),
        "what metrics servers scrape, and what they could not reach",
        supervised=True,
    ),
    Named(
        "alerts",
        "what fires, or is about to",
        "9",
        ("al",),
        "alerts that fire, or are about to",
        supervised=True,
    ),
    Named(
        "deploys",
        "what can be rolled out",
        aliases=("dep",),
        listed="what can be rolled out, and how it went the last time",
    ),
    Named(
        "runs",
        "what was rolled out, and is now",
        listed="what was rolled out, and what is being rolled out now",
    ),
)
