"""The record of every act and every refusal, which outsiders can verify (article 12).

`records` says what an entry holds, `ledger` appends it in the transaction of its effect,
`recorder` writes down what the registrar's commands did, `heads` has the custodian sign how far
the log has come. The formats are in `keys/LOG.md`.
"""
