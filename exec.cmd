@rem `exec` for Windows: lets the npm script "start" be the same line there (CONTRIBUTING.md, "Signals").
@%*
