"""Makes the saved store of a release: ``python -m tests.corpus.stores.make NAME``.

Run once per release and commit the folder; the store of an earlier release is never made again.
Invented people only; the root key beside it opens nothing else.
"""

import gzip
import shutil
import sys
import tempfile
from pathlib import Path

from tests.support import site as sites
from tests.support import xdm

HERE = Path(__file__).parent
SUBJECT = "Vos résultats de novembre"
WAITING = "Une suite"
"""Of what was accepted and not delivered yet; the stores before ``queued`` have none."""


def make(name: str) -> None:
    """One professional wrote to one patient, with an archive that was filed; a second one waits."""
    target = HERE / name
    target.mkdir()
    with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
        archive = xdm.archive_of(
            xdm.cda_document(xdm.CdaText(subject=xdm.Subject(ins=site.camille.traits.ins)))
        )
        file = sites.OutgoingFile("IHE_XDM.ZIP", "application/zip", archive)
        raw = site.written(site.claire, site.camille, SUBJECT, files=(file,))
        site.deliver(site.claire, site.camille, raw)
        site.send(site.claire, site.camille, site.written(site.claire, site.camille, WAITING))
        state = site.gateway.config.state_directory
        site.gateway.database.close()
        shutil.copy(state / "root.key", target / "root.key")
        shutil.copy(state / "pki" / "anchors.pem", target / "anchors.pem")
        with gzip.open(target / "store.db.gz", "wb", 9) as packed:
            packed.write((state / "store.db").read_bytes())


if __name__ == "__main__":
    make(sys.argv[1])
