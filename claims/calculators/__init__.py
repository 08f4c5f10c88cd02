"""The calculators: ``optimum``, ``loss``, ``moment`` and ``compare``.

Numbers are read exactly (0.1 is a tenth) and answers are exact. What is shown of one is rounded once: in
JSON to the nearest float64, as text to decimals that are correct to the last digit. Nothing is derived here: options
become a :class:`icl_claims.theory.task.RegressionTask`, and the theory answers.

| module | what |
|---|---|
| :mod:`~icl_claims.claims.calculators.commands` | the commands, their help, which option goes with which |
| :mod:`~icl_claims.claims.calculators.parameters` | numbers, lists and files on the command line |
| :mod:`~icl_claims.claims.calculators.task_options`, ``step_options``, ``powers`` | options, by what they describe |
| :mod:`~icl_claims.claims.calculators.matrix_files` | Σ and Ω in JSON, NumPy and CSV files |
| ``optimum``, ``loss``, ``moment``, ``comparison`` | one answer each, from values that are already checked |
| :mod:`~icl_claims.claims.calculators.quantity` | a number of an answer |
| :mod:`~icl_claims.claims.calculators.answers` | answers as JSON and as text |
"""
