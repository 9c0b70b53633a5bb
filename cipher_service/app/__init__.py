"""The wiring of the service, and nothing else: which process holds what.

    processes.run(settings)        # all processes, until SIGTERM: what `cipher-service serve` does
    processes.create_api(settings) # one API process's ASGI application
    wiring.registrar_handlers(...) # what the registrar does, by command

Processes: the custodian (keys), the registrar (writes, tokens), the API processes (everything that
can be done side by side). They are started in this order and stopped in reverse.
"""
