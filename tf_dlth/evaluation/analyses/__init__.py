"""The paper's analyses of tickets and runs: one module a kind, each with ``analyse(request) -> Findings``.

They open what is compared and hand arrays to :mod:`tf_dlth.analysis`, which has the mathematics.
"""
