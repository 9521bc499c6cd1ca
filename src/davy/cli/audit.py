from davy.cli.options import group

app = group("audit", "x", "y")


@app.command()
def x() -> None: ...
@app.command()
def y() -> None: ...
