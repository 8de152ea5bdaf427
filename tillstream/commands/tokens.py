"""`tillstream token`: sign a token for a role and its stores."""

from datetime import timedelta
from typing import Annotated

import typer

from tillstream.options import DataDir, settings_for


def token(
    role: Annotated[str, typer.Option(help="hq, manager, staff or device.")],
    store: Annotated[list[str] | None, typer.Option(help="A store of the holder; repeat for more. HQ has every store without it.")] = None,
    subject: Annotated[str, typer.Option(help="Who it is: an opaque id, shown in logs.")] = "operator",
    tenant: Annotated[str, typer.Option(help="The chain.")] = "demo",
    device: Annotated[str | None, typer.Option(help="Device id, for role device.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=24 * 366, help="How long it is valid.")] = 12,
    data_dir: DataDir = None,
) -> None:
    """Print a signed token for the API: put it in the header `Authorization: Bearer …`."""
    from api.security.tokens import TokenInvalid, issue_token
    from tillstream.composition import signing_key

    settings = settings_for(data_dir)
    try:
        signed = issue_token(
            signing_key(settings),
            subject=subject,
            role=role,
            tenant=tenant,
            stores=tuple(store or (("*",) if role == "hq" else ())),
            device_id=device,
            valid_for=timedelta(hours=hours),
        )
    except TokenInvalid as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(signed)
