"""The registry of claims, their verdicts, the pytest plugin, the report and the command line.

A *claim* is one falsifiable statement of a paper, a *proposition* one of ours. *Evidence* is a
pytest test that bears on a claim. A verdict is computed from evidence, never typed.

| what | modules |
|---|---|
| what is claimed | ``claim``, ``assumptions``, ``registry``, and the ``records`` by paper |
| what tests establish | ``evidence_index``, ``evidence``, ``pytest_plugin``, ``recorder``, ``one_name`` |
| what is stored | ``results``, ``sources`` (when it is stale), ``clone`` (where it is) |
| what follows | ``verdicts`` |
| what is shown | ``report``, ``dossier``, ``printing``, ``table`` |
| commands | ``cli``, ``commands``, ``verify``, ``progress``, ``scaffold``, the calculators |
"""
