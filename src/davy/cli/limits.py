from davy.cli.options import group

app = group("limits", "x", "y")


@app.command()
def x() -> None: ...
@app.command()
def y() -> None: ...
