"""Secrets that are found by the names under which they stand."""

import json

import pytest

from mockserver.http.messages import Request
from mockserver.redaction.redactor import Redactor, parse_rules
from mockserver.redaction.secret_names import is_secret_name

SECRET_NAMES = [
    *("pwd", "pass", "passwd", "password", "passphrase", "passcode", "jwt", "access_token"),
    *("refresh_token", "authToken", "bot_token", "slack-token", "credentials", "sessionid"),
    *("signing_key", "private_key", "privateKey", "client_secret", "clientSecret", "secret"),
    *("api_key", "apiKey", "x-api-key", "OPENAI_API_KEY", "openaiApiKey", "PGPASSWORD"),
    *("aws_secret_access_key", "azure_account_key", "authorization", "set-cookie", "password2"),
    *("api_key_prod", "password_old", "API Key", "openai_key", "masterkey", "db_pw", "passwort"),
    *("passwordConfirmation", "filter[api_key]", "filter%5Bapi_key%5D", "user.password"),
    *("Benutzerpasswort", "kennwort", "apiSchlüssel", "zugangsToken", "mot_de_passe", "motDePasse"),
    *(
        "clé_api",
        "contraseña",
        "contrasena",
        "clave_secreta",
        "senha",
        "senha_usuario",
        "chave_api",
    ),
    *("google_maps_key", "fernetKey", "creds", "pass_phrase"),
]
OTHER_NAMES = [
    *("page_token", "next_token", "nextToken", "token_count", "max_tokens", "input_tokens"),
    *("session_id", "key", "primary_key", "foreign_key", "public_key", "monkey", "tokenizer"),
    *("passenger", "bypass", "compass", "passport", "author", "authority", "spin", "keyboard"),
    *("is_secret", "has_password", "secret_name", "password_policy", "authorization_url"),
    *(
        "palabra_clave",
        "clave_primaria",
        "chave",
        "schlüssel",
        "geheimnisvoll",
        "otp",
        "auth",
        "sid",
    ),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_value_under_the_name_of_a_secret_is_replaced(name: str) -> None:
    assert json.loads(Redactor().rewrite_text(json.dumps({name: "hunter2abc", "a": "b"}))) == {
        name: "REDACTED",
        "a": "b",
    }


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_value_under_another_name_is_unchanged(name: str) -> None:
    text = json.dumps({name: "hunter2abc", "a": 12345})

    assert Redactor().rewrite_text(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ('{"password":"correct horse battery staple"}', '{"password":"REDACTED"}'),
        ('{"password":"my password is 4711"}', '{"password":"REDACTED"}'),
        ('{"password":["x","y"],"a":1}', '{"password":["REDACTED","REDACTED"],"a":1}'),
        ('{"credentials":{"pass":"x","user":"bob"}}', '{"credentials":{"pass":"REDACTED","user":"bob"}}'),
        ('[["x-api-key","x"],["accept","text/html"]]', '[["x-api-key","REDACTED"],["accept","text/html"]]'),
        ('{"header":["x-api-key","hunter2"]}', '{"header":["x-api-key","REDACTED"]}'),
        ('{"name":"password","value":"x"}', '{"name":"password","value":"REDACTED"}'),
        ('{"value":"x","key":"api_key"}', '{"value":"REDACTED","key":"api_key"}'),
        ('{"database_url":"postgres://a:b@db/x"}', '{"database_url":"REDACTED"}'),
        ('{"dsn":"https://abc@o1.ingest.example/1"}', '{"dsn":"REDACTED"}'),
        ('{"password":12345,"passcode":1234,"pin":9876}', '{"password":"REDACTED","passcode":"REDACTED","pin":"REDACTED"}'),
        ('{"pin":"9876","secret":42,"pass":true}', '{"pin":"REDACTED","secret":42,"pass":true}'),
        ('{"pin":13,"otp":123456}', '{"pin":13,"otp":"REDACTED"}'),
        ('{"verification_code":"482913","code":"482913"}', '{"verification_code":"REDACTED","code":"482913"}'),
        ('{"auth":"Ym9iOnNlY3JldDE=","auths":{"auth":"oauth2"}}', '{"auth":"REDACTED","auths":{"auth":"oauth2"}}'),
        ('{"contrase\\u00f1a":"x"}', '{"contrase\\u00f1a":"REDACTED"}'),
        ('{"a":1}\n{"password":"x"}\n', '{"a":1}\n{"password":"REDACTED"}\n'),
        ('{"token":"a1B2c3D4e5F6g7H8i9J0"}', '{"token":"REDACTED"}'),
        ('{"password":"a\\nb\\u00e9\\"c"}', '{"password":"REDACTED"}'),
        ('{"password":{"value":"x"}}', '{"password":{"value":"REDACTED"}}'),
        ('{"Name":"password","Value":"x"}', '{"Name":"password","Value":"REDACTED"}'),
        ('{ "password" : "x" ,\n "n": 1.50 }', '{ "password" : "REDACTED" ,\n "n": 1.50 }'),
        ('{"password":"x","password":"y"}', '{"password":"REDACTED","password":"REDACTED"}'),
    ],
)  # fmt: skip
def test_the_value_may_have_any_form(text: str, redacted: str) -> None:
    assert Redactor().rewrite_text(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("{'password': 'x', 'user': 'bob'}", "{'password': 'REDACTED', 'user': 'bob'}"),
        ("the password: hunter2, ok?", "the password: REDACTED, ok?"),
        ("Password: Tr0ub4dor&3.", "Password: REDACTED."),
        ("my API key: a1B2c3D4e5F6", "my API key: REDACTED"),
        ("**Password:** hunter2abc", "**Password:** REDACTED"),
        ("Your password is hunter2abc.", "Your password is REDACTED."),
        ("login --password=hunter2abc", "login --password=REDACTED"),
        ("<password>hunter2abc</password>", "<password>REDACTED</password>"),
        ('password = f"hunter2abc"', 'password = f"REDACTED"'),
        ("Server=x;Password=a1;b2,c3;User=sa", "Server=x;Password=REDACTED;User=sa"),
        ("https://a1B2c3D4e5F6g7H8i9J0k1L2@git.example/x", "https://REDACTED@git.example/x"),
        ("postgres://u:p@ss7w0rd@h/db", "postgres://REDACTED@h/db"),
        ('config["password"] = "x"', 'config["password"] = "REDACTED"'),
        ('log: {\\"password\\": \\"x\\", \\"a\\": 1}', 'log: {\\"password\\": \\"REDACTED\\", \\"a\\": 1}'),
        ("curl -H 'x-api-key: a1B2c3D4e5F6' /x", "curl -H 'x-api-key: REDACTED' /x"),
        ("Authorization: Token a1B2c3D4e5F6", "Authorization: Token REDACTED"),
        ("Cookie: sid=abc; theme=dark", "Cookie: REDACTED"),
        ("see /x?filter%5Bapi_key%5D=x&a=1", "see /x?filter%5Bapi_key%5D=REDACTED&a=1"),
        ("password=hunter2&user=bob", "password=REDACTED&user=bob"),
        ('cut: {"password": "hunt', 'cut: {"password": "REDACTED'),
        ('api_key: str = "a1b2c3"', 'api_key: str = "REDACTED"'),
        ("const apiKey: string = 'a1b2c3';", "const apiKey: string = 'REDACTED';"),
        ("- name: DB_PASSWORD\n  value: x\n", "- name: DB_PASSWORD\n  value: REDACTED\n"),
        ('<add key="ApiKey" value="x"/>', '<add key="ApiKey" value="REDACTED"/>'),
        ('<w:Password Type="Text">x</w:Password>', '<w:Password Type="Text">REDACTED</w:Password>'),
        ("login --password hunter2 -v", "login --password REDACTED -v"),
        ("ENV API_TOKEN a1b2c3d4e5f6g7h8", "ENV API_TOKEN REDACTED"),
        ("define('DB_PASSWORD', 'hunter2');", "define('DB_PASSWORD', 'REDACTED');"),
        ('ds.setPassword("hunter2");', 'ds.setPassword("REDACTED");'),
        ('password = "it\'s"', 'password = "REDACTED"'),
        ("use hf_aBcDeFgHiJkLmNoPqRsTuVwX", "use REDACTED"),
        (':password => "x"', ':password => "REDACTED"'),
        ('$env:API_KEY = "x"', '$env:API_KEY = "REDACTED"'),
        ("//npm.example/:_authToken=a1b2c3d4e5f6g7h8", "//npm.example/:_authToken=REDACTED"),
        ("WITH PASSWORD = N'x'", "WITH PASSWORD = N'REDACTED'"),
        ("{&quot;password&quot;: &quot;x&quot;}", "{&quot;password&quot;: &quot;REDACTED&quot;}"),
        ("Das Passwort lautet hunter2.", "Das Passwort lautet REDACTED."),
        ("Mot de passe : hunter2", "Mot de passe : REDACTED"),
        ("MOT DE PASSE : hunter2", "MOT DE PASSE : REDACTED"),
        ("la contraseña es hunter2", "la contraseña es REDACTED"),
        ("Your verification code is 482913.", "Your verification code is REDACTED."),
        ("Authorization: SSWS 00a1b2c3", "Authorization: SSWS REDACTED"),
    ],
)  # fmt: skip
def test_a_text_may_name_a_secret(text: str, redacted: str) -> None:
    assert Redactor().rewrite_text(text) == redacted


def test_a_long_value_is_replaced_as_a_whole() -> None:
    value = "a1/" * 1000

    assert Redactor().rewrite_text(f"password={value}&a=1") == "password=REDACTED&a=1"


def test_a_field_of_a_form_is_replaced() -> None:
    form = (
        '--b\r\nContent-Disposition: form-data; name="password"\r\nContent-Type: text/plain\r\n\r\n{}\r\n'
        '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nbob\r\n--b--\r\n'
    )

    assert Redactor().rewrite_text(form.format("a\r\nb")) == form.format("REDACTED")


def test_a_form_and_an_address_are_decoded() -> None:
    form = "note=x%3D{}&d=%7B%22password%22:%22{}%22%7D"
    key = "ghp_" + "a1" * 15
    redactor = Redactor()

    assert (
        redactor.rewrite_body(form.format(key, "x").encode())
        == form.format("REDACTED", "REDACTED").encode()
    )
    assert redactor.rewrite_headers((("location", f"/x?d=%28{key}"),)) == (
        ("location", "/x?d=(REDACTED"),
    )


@pytest.mark.parametrize("name", ["sig", "X-Amz-Signature", "code"])
def test_a_signed_address_loses_its_signature(name: str) -> None:
    path = f"/x?sv=1&{name}={{}}&page=2"
    request = Request("GET", path.format("a1B2c3D4e5F6g7H8i9J0"))
    redactor = Redactor()

    assert redactor.rewrite_request(request).path == path.format("REDACTED")
    assert redactor.rewrite_request(Request("GET", path.format("a1"))).path == path.format("a1")


def test_a_parameter_of_a_path_is_replaced() -> None:
    path = "/x?filter%5Bapi_key%5D={}&q=a+b%20c&meta=%7B%22password%22:%22{}%22%7D"

    assert Redactor().rewrite_request(Request("GET", path.format("x", "y"))).path == path.format(
        "REDACTED", "REDACTED"
    )


@pytest.mark.parametrize(
    ("rule", "text", "redacted"),
    [
        (r"cus_\w+", '{"a":"id cus_1","b":"x"}', '{"a":"id REDACTED","b":"x"}'),
        (r"cus_\S+", '{"a":"id cus_1","b":"x"}', '{"a":"id REDACTED","b":"x"}'),
        (r"\b\d{16}\b", '{"n":4111111111111111,"m":[1.5]}', '{"n":"REDACTED","m":[1.5]}'),
        (r"^secret word$", '{"a":"secret word","b":"no secret word"}', '{"a":"REDACTED","b":"no secret word"}'),
        (r"a\nb", '{"a":"a\\nb"}', '{"a":"REDACTED"}'),
        (r"C:\\Users\\\w+", '{"a":"in C:\\\\Users\\\\bob"}', '{"a":"in REDACTED"}'),
        ("müller", '{"a":"Frau m\\u00fcller"}', '{"a":"Frau REDACTED"}'),
        ('say "hi"', '{"a":"say \\"hi\\" now"}', '{"a":"REDACTED now"}'),
    ],
)  # fmt: skip
def test_a_rule_matches_the_decoded_string(rule: str, text: str, redacted: str) -> None:
    for _ in range(2):
        assert Redactor((), parse_rules([rule])).rewrite_text(text) == redacted
        text, redacted = json.dumps({"args": text}), json.dumps({"args": redacted})


def test_keys_are_never_changed() -> None:
    text = '{"sk-proj-abcdefgh1234":"a","langgraph":{"correct-horse/battery":1}}'

    assert (
        Redactor(["correct-horse/battery"], parse_rules(["langgraph"])).rewrite_text(text) == text
    )


@pytest.mark.parametrize("size", [10_000, 100])
def test_a_name_of_any_length_is_looked_at(size: int) -> None:
    assert is_secret_name("a_" * size + "password")
    assert not is_secret_name("a_" * size)
