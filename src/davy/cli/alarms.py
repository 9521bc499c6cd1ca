from davy.cli.options import group

app = group("alarms", "x", "y")


@app.command()
def x() -> None: ...
@app.command()
def y() -> None: ...
