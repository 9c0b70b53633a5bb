"""The console: what officers use in a browser, rendered here, in French and English.

How a flow is added
-------------------
1. A module `console/NAME.py` (or a package `console/NAME/` when it grows) with one value `FLOW`
   (`flow.Flow`): its pages, its lines of the navigation, what awaits a person on the home page, its
   shortcuts. It is named in the list of `flows.py`, in the order of the navigation.
2. Handlers take a `Visit` (visit.py) and return its answer:

        async def inbox(visit: Visit) -> Response:
            def lines(connection: Connection, gate: Gate) -> list[Line]:
                visit.demand(gate, "list", Book("register"))     # refuses: 403 with the rules
                return tray(connection, visit.person.principal, visit.now)
            return visit.page("depeches/inbox.html", lines=await visit.read(lines))

   `read` runs in a thread, on one moment of the books; `gate` decides there (`decides`, `demand`).
   What a person may not see does not exist: raise ServiceError("NOT_FOUND").
3. Writing: `await visit.act("command", {...})`. The command is the registrar's: an
   `identity.officer_commands.OfficerAct` (connection, officer, payload), given to
   `OfficerDesk.guarded` in `app.registrar_handlers`. The guard finds the officer's open session in
   the act's own transaction; the act decides again with `access.acts.require`, and its refusal is
   recorded. After a POST, `visit.go(path)`.

   What needs the officer's signature goes to the page where officers sign, at an origin of its own
   (`approving.py`, `identity/approvals.py`), and comes back. For a command that takes a signature
   (`act`, `nonce`, `response` in its payload, verified by `passkey_book.step_up` or `shared_acts`):

        ticket = await visit.act("approval_ask", {"body": act.encoded, "back": "/depeches/",
                                 "command": "dispatch_propose", "payload": {"dispatch_id": ...}})
        return visit.sign(ticket)

   The command must be among those given to `Approvals` in `app.registrar_handlers`. The statement
   is canonical JSON with a `type`; its digest is SHA-256(type || 00 || body). An act of several
   persons (keys/ACTS.md) that has an `approvals.Executor` needs no command: `approvals.ask` in the
   proposing command; the pages `/actes` then carry it from signature to signature.
4. Templates stand in `templates/NAME/`, extend `base.html` (blocks title, head, content; set
   `scripts = ["NAME.js"]` before `extends` for an island of `assets/src/NAME.ts`) and use GOV.UK's
   macros with every label given; a component's style is named in `assets/src/styles/_govuk.scss`.
   No inline style or script. Titles and addresses name nothing of a dispatch.
5. Sentences are in French in the source: `_("...")` in templates, `visit.say("...")` in handlers,
   `mark("...")` where they are translated later. Their English is in `locale/en/NAME.po`;
   `tests/console/test_words.py` names each one that is missing, in the form to paste.
6. A refusal that can reach an officer has a row in `refusals.toml`: cause, effect, what to do.
7. Its test is `tests/console/test_NAME.py`: `tab = enter("CIPHER-CLERK")`, then
   `tab.goto(path)`, Playwright's locators, and `check_page(tab)`; `tests/console/conftest.py` and
   `support.py` say the rest. Pages without parameters are swept by `test_every_page.py` in both
   languages and two widths; what shows a page with parameters is added to its list.

What a browser runs is built from `assets/` (names and hashes in `static/manifest.json`); headers
and origin checks are in `guard.py`, for every page alike.
"""
