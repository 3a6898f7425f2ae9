"""Files as they come to a patient, invented before the words of the product, which were never
changed to suit them.

One hand wrote both, so true files do worse. Three further lists, each judged once before the words
learned from it (they stand in ``proposals_examples`` now), were right in 65, 85 and 92 of 100.
"""

from typing import Final

# fmt: off
# a line for each file, as far as it fits

PDF, JPG, TXT = "application/pdf", "image/jpeg", "text/plain"

HELD_OUT: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    # file name, media type, subject, beginning of the text, category
    ("20250312_CR_d_imagerie_medicale_MOREL_Agathe.pdf", PDF, "", "", "DOCPAT04"),
    ("20241103_CR_d_examens_biologiques_MOREL_Agathe_884521.pdf", PDF, "", "", "DOCPAT05"),
    ("20240920_CR_operatoire_LENOIR_Basile.pdf", PDF, "", "", "DOCPAT03"),
    ("20230705_Certificat_medical_LENOIR_Basile.pdf", PDF, "", "", "DOCPAT07"),
    ("20250111_Lettre_de_liaison_a_la_sortie_GRAND_Odile.pdf", PDF, "", "", "DOCPAT01"),
    ("IRM genou gauche.pdf", PDF, "Vos résultats", "", "DOCPAT04"),
    ("irm_cerebrale_cr.pdf", PDF, "", "", "DOCPAT04"),
    ("Echo abdo 14-02-2025.pdf", PDF, "", "", "DOCPAT04"),
    ("RX thorax face.jpg", JPG, "", "", "DOCPAT04"),
    ("panoramique dentaire.png", "image/png", "", "", "DOCPAT04"),
    ("densitométrie osseuse.pdf", PDF, "", "", "DOCPAT04"),
    ("TDM abdomino pelvien.pdf", PDF, "", "", "DOCPAT04"),
    ("mammo 2024.pdf", PDF, "Dépistage organisé", "", "DOCPAT04"),
    (
        "scan0007.pdf",
        PDF,
        "",
        "Échographie pelvienne. Indication : douleurs. Technique : voie "
        "sus-pubienne. Résultat : utérus de taille normale. Conclusion : examen normal.",
        "DOCPAT04",
    ),
    ("resultat_labo.pdf", PDF, "", "", "DOCPAT05"),
    ("analyses sang janvier.pdf", PDF, "", "", "DOCPAT05"),
    ("NFS CRP 03.03.2025.pdf", PDF, "", "", "DOCPAT05"),
    ("TSH T4.pdf", PDF, "", "", "DOCPAT05"),
    ("doc-44120.pdf", PDF, "Résultats de votre prise de sang", "", "DOCPAT05"),
    (
        "84512236.pdf",
        PDF,
        "",
        "Laboratoire des Tilleuls. Hématologie. Leucocytes 6,2 G/L. "
        "Hémoglobine 13,4 g/dL. Plaquettes 245 G/L. Biochimie. Glycémie à jeun 0,92 g/L. "
        "Créatinine 71 µmol/L.",
        "DOCPAT05",
    ),
    ("biopsie cutanée anapath.pdf", PDF, "", "", "DOCPAT05"),
    ("ECBU + antibiogramme.pdf", PDF, "", "", "DOCPAT05"),
    ("carte groupe sanguin.jpg", JPG, "", "", "DOCPAT05"),
    ("test antigenique covid.pdf", PDF, "", "", "DOCPAT05"),
    ("ordo doliprane.pdf", PDF, "", "", "DOCPAT02"),
    ("Ordonnance Dr Petit.jpg", JPG, "", "", "DOCPAT02"),
    ("ordonnance kiné.pdf", PDF, "", "", "DOCPAT02"),
    ("renouvellement traitement.pdf", PDF, "", "", "DOCPAT02"),
    ("prescription semelles.pdf", PDF, "", "", "DOCPAT02"),
    ("IMG_3321.jpg", JPG, "Votre ordonnance", "", "DOCPAT02"),
    (
        "document.pdf",
        PDF,
        "",
        "Dr Paul Roche, médecin généraliste. Amoxicilline 1 g : un comprimé "
        "matin et soir pendant 7 jours. Paracétamol 1 g si douleur, max 3 par jour. À renouveler "
        "une fois.",
        "DOCPAT02",
    ),
    ("protocole ALD 30.pdf", PDF, "", "", "DOCPAT02"),
    ("plan de prise pilulier.pdf", PDF, "", "", "DOCPAT02"),
    ("bon pour une IRM.pdf", PDF, "", "Prescription d'un examen d'imagerie", "DOCPAT02"),
    ("carnet vaccination Léo.pdf", PDF, "", "", "DOCPAT06"),
    ("vaccin grippe 2024.pdf", PDF, "", "", "DOCPAT06"),
    ("rappel DTP.jpg", JPG, "", "Vaccin injecté le 12/05/2024, lot X123", "DOCPAT06"),
    ("pass vaccinal.pdf", PDF, "", "", "DOCPAT06"),
    ("Invitation dépistage colorectal.pdf", PDF, "", "", "DOCPAT06"),
    (
        "certif foot.pdf",
        PDF,
        "",
        "Ne présente aucune contre-indication à la pratique du football",
        "DOCPAT07",
    ),
    ("AT du 04-02 au 09-02.pdf", PDF, "Arrêt de travail", "", "DOCPAT07"),
    ("avis_arret_travail_prolongation.pdf", PDF, "", "", "DOCPAT07"),
    ("certificat d'aptitude sport.pdf", PDF, "", "", "DOCPAT07"),
    ("certificat scolaire inaptitude.pdf", PDF, "", "", "DOCPAT07"),
    ("CRH cardiologie.pdf", PDF, "", "", "DOCPAT03"),
    ("CR consultation Dr Vidal.pdf", PDF, "", "", "DOCPAT03"),
    ("compte-rendu passage urgences.pdf", PDF, "", "", "DOCPAT03"),
    ("CR coloscopie.pdf", PDF, "", "", "DOCPAT03"),
    ("ECG.pdf", PDF, "", "", "DOCPAT03"),
    ("bilan orthophonique.pdf", PDF, "", "", "DOCPAT03"),
    ("EFR avril.pdf", PDF, "", "", "DOCPAT03"),
    (
        "courrier cardio.pdf",
        PDF,
        "",
        "Cher confrère, j'ai vu ce jour en consultation votre "
        "patiente pour le suivi de son hypertension. Examen clinique normal.",
        "DOCPAT03",
    ),
    ("cr_polysomnographie.pdf", PDF, "", "", "DOCPAT03"),
    ("lettre de sortie hopital.pdf", PDF, "", "", "DOCPAT01"),
    ("synthèse médicale.pdf", PDF, "", "", "DOCPAT01"),
    ("VSM 2025.pdf", PDF, "", "", "DOCPAT01"),
    ("attestation mutuelle 2025.pdf", PDF, "", "", "DOCPAT09"),
    ("carte tiers payant.jpg", JPG, "", "", "DOCPAT09"),
    ("Facture clinique.pdf", PDF, "", "", "DOCPAT09"),
    ("convocation RDV 12 mai.pdf", PDF, "", "", "DOCPAT09"),
    ("attestation droits secu.pdf", PDF, "", "", "DOCPAT09"),
    ("devis prothese dentaire.pdf", PDF, "", "", "DOCPAT09"),
    ("directives anticipees signees.pdf", PDF, "", "", "DOCPAT09"),
    ("Personne de confiance.pdf", PDF, "", "", "DOCPAT09"),
    ("mes allergies.txt", TXT, "", "", "DOCPAT08"),
    ("antecedents familiaux.docx", "application/octet-stream", "", "", "DOCPAT08"),
    ("IMG_20250102_101112.jpg", JPG, "", "", "DOCPAT03"),
    ("scan.pdf", PDF, "", "", "DOCPAT03"),
)
