"""The dossier: a patient's record of documents, and everything that touches their bytes.

Laws, each with a test:
- a document is added, superseded by a newer version or withdrawn, never overwritten; its bytes
  are kept as received, so that a signature on them can always be verified again;
- each document knows the message and part it came from, who signed it, what was verified;
- the same bytes are one document of a record, and nothing can be compared across patients;
- an archive is believed only after its sizes, hashes and patient were checked; names found in it
  are matched or shown, never used as paths;
- no foreign parser runs in this process except lxml without DOCTYPE: PDF and pictures are opened
  by a sub-process that owns nothing.

Never: render a document by its own stylesheet, decide who may read (``policies``), send anything.

Map: ``zips`` and ``safe_xml`` are the doors for hostile bytes; ``rim`` and ``xdm`` read archives,
``hl7``, ``cda`` and ``narrative`` documents; ``identity`` compares patients, ``examination`` judges
an attachment; ``documents`` are values, ``filing`` makes them, ``sealed`` closes them,
``catalogue`` keeps them, ``integrity`` proves them; ``render`` shows them.
"""
