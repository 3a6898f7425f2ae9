"""The dossier: a patient's record of documents, and everything that touches their bytes.

Laws, each with a test:
- a document is added, superseded by a newer version or taken back, never overwritten; its bytes
  are kept as received, so that a signature on them can always be verified again;
- each document knows the message and part it came from, who signed it, what was verified;
- the same bytes are one document of a record, and nothing can be compared across patients;
- an archive is believed only after its sizes, hashes and patient were checked; names found in it
  are matched or shown, never used as paths;
- no foreign parser runs in this process except lxml without DOCTYPE: PDF and pictures are opened
  by a sub-process that owns nothing.

Never: render a document by its own stylesheet, decide who may read (``policies``), send anything.

Map: ``zips`` and ``safe_xml`` are the doors for hostile bytes; ``rim`` and ``rim_reading`` say what
METADATA.XML says, ``xdm`` reads archives; ``describing``, ``rim_writing`` and ``xdm_writing`` write
them; ``hl7``, ``participants``, ``cda`` and ``heading`` read headers, ``narrative`` (``blocks``,
``runs``) and ``results`` (``quantities``) bodies, ``rtf`` the words of one; ``naming`` reads and
writes names; ``confidentiality`` and ``versions`` say what codes and versions mean; ``identity``
compares patients, ``examination`` judges an attachment; ``text``, ``proposing`` (``clues``,
``act_dates``) say what a plain file is; ``documents`` are values, ``filing`` makes them, ``sealed``
closes them; ``archives`` says how those of one archive belong together, ``succession`` what they do
to the versions that stand (``relations``, ``companions``), ``filing_rules`` what is filed without a
click; ``tables`` hold them, ``catalogue`` keeps them, ``listing`` and ``facets`` list and
count them, ``searching`` (``record_segments``, ``search_words``) finds them, ``settling`` brings
older ones up to date; ``journal`` tells who did what; ``integrity`` proves, ``render`` shows them;
``xdm_writing`` (``describing``, ``rim_writing``) writes archives.
"""
