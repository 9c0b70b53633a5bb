"""The papers of a bag, as PDF: values in, bytes out (decree 2013/112, article 15).

* `bag` prints the label outside and the bordereau inside.
* `letters` prints what a courier or a captain shows at borders.
* `forms` prints the décharge, the discrepancy report, the list of empty bags and the record of a
  destruction.
* `printing` holds the one call of typst; the layouts and every word are data, in `templates/`.
"""
