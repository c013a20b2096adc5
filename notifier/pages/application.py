"""The application: who may see which page. Nothing personal opens without a login."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from engine.ledger.grants import grant as grant_row
from engine.ledger.opening import Ledger
from engine.ledger.retirements import Retired, retired_policies
from engine.reference_day import ZONE
from notifier.ahead import Ahead
from notifier.bundles.combined import COMBINED
from notifier.bundles.stories import Story
from notifier.deliveries import notices_of, told_of
from notifier.explaining import evidence_of, explain_grant
from notifier.pages import words
from notifier.pages.login import COOKIE, SESSION_SECONDS, Logins
from notifier.pages.samples import Sample, samples_of
from notifier.pages.security import comes_from_elsewhere, security_headers
from notifier.templates import period_in_words, yuan_in_words
from policies.errors import MianshenError
from policies.policy import Policy
from policies.text import Bilingual, Language
from policies.vocabulary import Vocabulary
from profiles.catalog_model import Catalog
from profiles.vault import Opening

_HERE = Path(__file__).parent
_LANGUAGE_COOKIE = "mianshen_language"


class OpeningsLog(Protocol):
    """What the pages need of `profiles.vault.Vault`: who opened whose contact."""

    def openings(self, subject: str | None = None, limit: int = 1000) -> list[Opening]:
        """Return the newest log lines first."""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the pages stand on. `policy_of` returns the policy of a version."""

    ledger: Ledger
    vault: OpeningsLog
    policy_of: Callable[[str], Policy]
    vocabulary: Vocabulary
    agencies: dict[str, Bilingual]
    logins: Logins
    demo: bool
    samples: Callable[[], Sequence[Sample]]
    ahead: Callable[[str], Sequence[Ahead]] | None = None
    stories: Callable[[str], Sequence[Story]] | None = None


def create_app(
    *,
    ledger: Ledger,
    vault: OpeningsLog,
    policies: Callable[[str], Policy],
    vocabulary: Vocabulary,
    catalog: Catalog | None,
    key: bytes,
    demo: bool = False,
    sample_subjects: Callable[[], Sequence[Sample]] | None = None,
    ahead: Callable[[str], Sequence[Ahead]] | None = None,
    stories: Callable[[str], Sequence[Story]] | None = None,
) -> FastAPI:
    """Return the web application.

    Args:
        ledger: grants, announcements and deliveries; the table of used logins is made in it.
        vault: only its log of openings is read.
        policies: from a version to its policy, see `notifier.versions.policy_by_version`.
        vocabulary: titles and codes.
        catalog: the agencies' names; without it the ids of the sources are shown.
        key: the 32 bytes that sign links and sessions (`derived_key(secret, "pages")`).
        demo: True lets anybody open the page of a sample; never for real people.
        sample_subjects: whom the demonstration offers; by default those with the most grants.
        ahead: what lies ahead of a subject (`notifier.ahead.ahead_of`); without it there is no such page.
        stories: what the events of a life have brought (`notifier.bundles.stories.stories_of`); likewise.
    """
    agencies = {name: source.agency for name, source in catalog.sources.items()} if catalog else {}
    logins = Logins(ledger, key)
    logins.prepare()
    samples = sample_subjects or (lambda: samples_of(ledger))
    site = Site(ledger, vault, policies, vocabulary, agencies, logins, demo, samples, ahead, stories)
    app = FastAPI(title="mianshen", docs_url=None, redoc_url=None, openapi_url=None)
    pages = _Pages(site)
    app.middleware("http")(security_headers(lambda request: pages.fault(request, 500)))
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    pages.add_to(app)
    return app


class _Pages:
    """The routes. Every handler is synchronous: the server runs it in a thread of its own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.templates = Jinja2Templates(directory=_HERE / "templates")
        self.templates.env.trim_blocks = self.templates.env.lstrip_blocks = True

    def add_to(self, app: FastAPI) -> None:
        app.get("/", response_model=None)(self.inbox)
        app.get("/grants/{number}", response_model=None)(self.grant)
        app.get("/contacts", response_model=None)(self.contacts)
        if self.site.ahead is not None:
            app.get("/ahead", response_model=None)(self.ahead)
        if self.site.stories is not None:
            app.get("/stories", response_model=None)(self.stories)
        app.get("/login", response_model=None)(self.login)
        app.post("/login", response_model=None)(self.use_login)
        app.post("/logout", response_model=None)(self.logout)
        app.get("/api/inbox", response_model=None)(self.api_inbox)
        app.get("/healthz", response_model=None)(self.health)
        if self.site.demo:
            app.get("/demo", response_model=None)(self.demo)
            app.post("/demo", response_model=None)(self.enter_demo)
        app.add_exception_handler(StarletteHTTPException, self.refused)
        app.add_exception_handler(MianshenError, self.failed)

    def inbox(self, request: Request) -> Response:
        subject = self._subject(request)
        # A combined notice tells of grants that stand here themselves; it is a step of its story.
        notices = [one for one in notices_of(self.site.ledger, subject) if one.kind != COMBINED]
        rows = [(notice, self._policy(notice.version)) for notice in notices]
        looks_ahead, tells_stories = self.site.ahead is not None, self.site.stories is not None
        return self._page(request, "inbox.html", rows=rows, looks_ahead=looks_ahead, tells_stories=tells_stories)

    def grant(self, request: Request, number: str) -> Response:
        subject = self._subject(request)
        row = grant_row(self.site.ledger, number)
        # Another person's grant and no grant look the same from outside.
        if row is None or subject not in (row["subject"], row["payee"]):
            raise HTTPException(404)
        policy = self._policy(str(row["version"]))
        explanation, recorded = None, {}
        if policy is not None:
            try:
                explanation = explain_grant(row, policy, self.site.vocabulary, self.site.agencies)
            except MianshenError:
                recorded = evidence_of(row)[0]
        else:
            recorded = evidence_of(row)[0]
        told = told_of(notices_of(self.site.ledger, subject), number)
        return self._page(
            request, "grant.html", row=row, policy=policy, explanation=explanation, recorded=recorded, told=told,
            retired=self._retired(str(row["policy"])),
        )  # fmt: skip

    def contacts(self, request: Request) -> Response:
        subject = self._subject(request)
        return self._page(request, "contacts.html", openings=self.site.vault.openings(subject, 200))

    def ahead(self, request: Request) -> Response:
        subject = self._subject(request)
        assert self.site.ahead is not None
        try:
            found = self.site.ahead(subject)
        except MianshenError:
            # The profiles are not there, or are being changed: the grants, which are, stay reachable.
            return self._message(request, "ahead", "ahead_unknown", 503)
        coming = [one for one in found if one.coming is not None]
        missing = [one for one in found if one.coming is None]
        return self._page(request, "ahead.html", coming=coming, missing=missing)

    def stories(self, request: Request) -> Response:
        subject = self._subject(request)
        assert self.site.stories is not None
        try:
            found = self.site.stories(subject)
        except MianshenError:
            return self._message(request, "stories", "ahead_unknown", 503)
        shown = [(one, {each.version: self._policy(each.version) for each in one.grants}) for one in found]
        return self._page(request, "stories.html", stories=shown)

    def login(self, request: Request, token: str = "") -> Response:
        if self.site.logins.subject_of_link(token) is None:
            return self._message(request, "login_used_title", "login_used", 403)
        return self._page(request, "login.html", token=token)

    def use_login(self, request: Request, token: Annotated[str, Form()] = "") -> Response:
        self._refuse_foreign_forms(request)
        subject = self.site.logins.use(token)
        if subject is None:
            return self._message(request, "login_used_title", "login_used", 403)
        return self._entered(request, subject)

    def logout(self, request: Request) -> Response:
        self._refuse_foreign_forms(request)
        response = self._message(request, "login_needed_title", "login_needed", 200)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    def demo(self, request: Request) -> Response:
        return self._page(request, "demo.html", samples=self.site.samples())

    def enter_demo(self, request: Request, subject: Annotated[str, Form()] = "") -> Response:
        self._refuse_foreign_forms(request)
        if subject not in {each.subject for each in self.site.samples()}:
            raise HTTPException(404)
        return self._entered(request, subject)

    def api_inbox(self, request: Request) -> Response:
        subject = self._subject(request)
        return JSONResponse({"notices": [asdict(each) for each in notices_of(self.site.ledger, subject)]})

    def health(self) -> Response:
        with self.site.ledger.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
        return JSONResponse({"status": "ok"})

    def refused(self, request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, StarletteHTTPException) else 500
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": {401: "login-needed", 404: "not-found"}.get(status, "refused")}, status)
        if status == 401:
            return self._message(request, "login_needed_title", "login_needed", 401)
        return self._message(request, "not_found_title", "not_found", status)

    def failed(self, request: Request, problem: Exception) -> Response:
        return self.fault(request, 503)

    def fault(self, request: Request, status: int) -> Response:
        """Return what is said when the fault is ours."""
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": "failed"}, status)
        return self._message(request, "failure_title", "failure", status)

    def _subject(self, request: Request) -> str:
        subject = self.site.logins.subject_of_session(request.cookies.get(COOKIE))
        if subject is None:
            raise HTTPException(401)
        return subject

    def _retired(self, policy: str) -> Retired | None:
        """Return the retirement of a policy that is out of use today."""
        today = self.site.ledger.clock().astimezone(ZONE).date()
        return retired_policies(self.site.ledger, today).get(policy)

    def _policy(self, version: str) -> Policy | None:
        try:
            return self.site.policy_of(version)
        except MianshenError:
            return None

    def _entered(self, request: Request, subject: str) -> Response:
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE,
            self.site.logins.session(subject),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def _refuse_foreign_forms(self, request: Request) -> None:
        if comes_from_elsewhere(request):
            raise HTTPException(403)

    def _message(self, request: Request, title: str, text: str, status: int) -> Response:
        return self._page(request, "message.html", status, title=title, text=text)

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        language = _language(request)

        def of(text: Bilingual | str | None) -> str:
            return text.in_language(language) if isinstance(text, Bilingual) else text or ""

        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
        switch = urlencode([*kept, ("lang", "en" if language == "zh" else "zh")])
        context = {
            "language": language,
            "say": lambda key: words.WORDS[key].in_language(language),
            "of": of,
            "stage": lambda key: of(words.STAGES.get(key or "")) or key or "",
            "channel": lambda key: of(words.CHANNELS.get(key)) or key,
            "delivery_state": lambda key: of(words.DELIVERY_STATES.get(key)) or key,
            "space": lambda key: of(words.SPACES.get(key)) or key,
            "yuan": yuan_in_words,
            "period": lambda key: period_in_words(key, language),
            "other_language_query": switch,
            "logged_in": self.site.logins.subject_of_session(request.cookies.get(COOKIE)) is not None,
            "demo": self.site.demo,
            **values,
        }
        response = self.templates.TemplateResponse(request, name, context, status_code=status)
        if request.query_params.get("lang") in ("zh", "en"):
            response.set_cookie(_LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="lax", httponly=True)
        return response


def _language(request: Request) -> Language:
    asked = request.query_params.get("lang") or request.cookies.get(_LANGUAGE_COOKIE)
    if asked in ("zh", "en"):
        return "en" if asked == "en" else "zh"
    accepted = request.headers.get("accept-language", "zh").lower()
    return "en" if accepted.startswith("en") else "zh"
