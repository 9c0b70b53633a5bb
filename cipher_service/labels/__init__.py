"""Levels, precedences and caveats: the ministry's scheme of markings, as data.

Neither Cameroon's nor Togo's texts on classification are published, so nothing here is law: the
shipped scheme follows the francophone usage and every name in it can be replaced.
"""
