"""The words by which exports name their columns, in English, Korean, German, French and Spanish."""

import re
import unicodedata
from typing import Literal

Role = Literal[
    "receipt", "sku", "quantity", "unit_price", "amount", "occurred_at", "clock", "store", "description",
    "customer", "till", "employee", "currency", "discount", "tax", "kind",
]  # fmt: skip

_WORDS: dict[Role, str] = {
    "receipt": "invoice, invoice no, receipt, receipt no, transaction, transaction id, transaction no, order, order id, order no, "
    "ticket, ticket no, bill no, check no, sale id, 영수증, 영수증번호, 거래번호, 전표번호, 주문번호, 판매번호, "
    "계산서번호, beleg, belegnr, belegnummer, bon, bonnr, bonnummer, rechnung, rechnungsnr, rechnungsnummer, facture, "
    "factura, ticket caisse",
    "sku": "sku, stock code, item code, product code, product id, item id, item no, article, article no, plu, barcode, upc, "
    "ean, gtin, 상품코드, 품목코드, 바코드, 상품번호, 제품코드, 품번, 단품코드, 메뉴코드, artikel, artikelnr, "
    "artikelnummer, code article, codigo",
    "quantity": "quantity, qty, units, pieces, count, quantity sold, 수량, 판매수량, 개수, menge, anzahl, quantité, qté, cantidad",
    "unit_price": "unit price, price, selling price, item price, price each, 단가, 판매단가, 판매가, 가격, einzelpreis, preis, "
    "stückpreis, prix, prix unitaire, precio, precio unitario",
    "amount": "amount, total, line total, net amount, gross amount, subtotal, sales, 금액, 판매금액, 합계, 합계금액, 매출액, "
    "매출, 총액, 실매출액, 결제금액, 공급가액, betrag, gesamt, gesamtpreis, summe, umsatz, montant, importe",
    "occurred_at": "date, time, datetime, date time, timestamp, invoice date, sale date, sold at, order date, transaction date, "
    "created at, 판매일시, 거래일시, 일시, 결제일시, 판매일, 판매일자, 거래일, 거래일자, 영업일, 영업일자, 일자, 날짜, "
    "datum, belegdatum, zeitpunkt, fecha, date vente",
    "clock": "time, time of day, sale time, hour, 시간, 시각, 판매시간, 거래시간, 결제시간, zeit, uhrzeit, heure, hora",
    "store": "store, shop, branch, outlet, site, location, store id, store name, store no, store code, branch name, 매장, "
    "매장명, 매장코드, 지점, 지점명, 지점코드, 점포, 점포명, 점포코드, 가맹점, 가맹점명, filiale, markt, magasin, "
    "tienda, sucursal",
    "description": "description, product name, item name, name, product, item, title, 상품명, 품명, 품목, 품목명, 제품명, 메뉴, "
    "메뉴명, 상품, bezeichnung, beschreibung, artikelbezeichnung, artikelname, libellé, désignation, descripción",
    "customer": "customer, customer id, customer no, member, member id, loyalty id, 고객, 고객번호, 고객코드, 회원, 회원번호, "
    "kunde, kundennr, kundennummer, client, cliente",
    "till": "till, till id, pos, pos id, pos no, terminal, terminal id, register, register id, lane, 포스, 포스번호, pos번호, "
    "단말기, 단말기번호, 계산대, kasse, kassennr, kassennummer, caisse, caja",
    "employee": "employee, employee id, cashier, cashier id, clerk, operator, staff, salesperson, 직원, 직원번호, 담당, 담당자, "
    "판매원, 계산원, 캐셔, 사원, 사원번호, kassierer, bediener, mitarbeiter, caissier, cajero",
    "currency": "currency, currency code, 통화, währung, devise, moneda",
    "discount": "discount, discount amount, line discount, markdown, 할인, 할인액, 할인금액, rabatt, nachlass, remise, descuento",
    "tax": "tax, tax amount, vat, vat amount, gst, sales tax, 부가세, 부가세액, 세액, 세금, mwst, ust, steuer, tva, iva",
    "kind": "type, kind, transaction type, sale type, line type, status, 구분, 거래구분, 판매구분, 거래유형, 유형, 상태, typ, "
    "art, vorgang, tipo",
}
_WEAK: dict[Role, str] = {"store": "country, region, city, land, 지역", "sku": "item, product, 상품, 품목", "quantity": "number, 판매량"}
_RATE = re.compile(r"%|\brate\b|percent|율$|률$|satz$|quote$")


def normal(name: str) -> str:
    """Write a column's name in small letters, one space between words, compounds such as InvoiceNo taken apart."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    return " ".join(re.sub(r"[^\w%]+|_", " ", name).casefold().split())


def _listed(table: dict[Role, str]) -> dict[Role, frozenset[str]]:
    return {role: frozenset(normal(word) for word in words.split(",")) for role, words in table.items()}


_STRONG_WORDS, _WEAK_WORDS = _listed(_WORDS), _listed(_WEAK)


def likeness(name: str, role: Role) -> float:
    """Return how well a name fits a role: 1 is a word for it, 0.6 holds one, 0.5 is a vague word, 0 says nothing."""
    text = normal(name)
    if role in {"discount", "tax"} and _RATE.search(text):
        return 0.0
    if text in _STRONG_WORDS[role]:
        return 1.0
    if text in _WEAK_WORDS.get(role, ()):
        return 0.5
    padded = f" {text} "
    holds = (f" {word} " in padded or (len(word) > 1 and not word.isascii() and word in text) for word in _STRONG_WORDS[role])
    return 0.6 if any(holds) else 0.0
