"""Officers of headquarters at work on dispatches, each act decided (articles 13 to 15).

- `entitlement`: may this officer do this to that dispatch now; what they may not see is NOT_FOUND.
- `compositions`: drafts, their submission, refusal and withdrawal.
- `editions`: what somebody refused, kept for them until it leaves.
- `release`: the second person, who has read what leaves.
- `trail`: who saw, acknowledged, received and was charged with a dispatch.
- `routing`: to charge a clerk, to hand over, to acknowledge an alert.
- `copies`: what leaves the screen, on paper or as a file, numbered.
- `trays`: the lists.
- `showing`: the texts, in the process of the page, by the custodian.
- `departing`: released dispatches leave.
- `commands`: the same acts as commands of the registrar.

Each act runs inside its caller's unit of work and never commits. It takes the officer's number; the
registrar has found the open session before (`identity.officer_commands`).
"""
