"""What people of a domain begin by themselves."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say

from apps.accounts import policy, projects
from apps.accounts.actor import Actor
from apps.accounts.models import Domain
from apps.portal.pages import page
from apps.portal.projects.forms import RulesForm
from apps.portal.service_forms import asked


@page
def project_rules(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    domain = policy.find(actor, Domain.objects.all(), uuid)
    policy.require(actor, "project.set_rules", domain)
    rules = projects.rules_of(domain)
    form = RulesForm(rules, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.done(lambda **given: projects.set_rules(actor, domain, **given)):
        messages.success(request, say("The change is made."))
        return redirect("portal:domain", uuid)
    above = rules.domain if rules.pk and rules.domain_id != domain.pk else None
    text = ""
    if above is not None and policy.sees(actor, above):
        text = say("What stands here now comes from %(name)s.") % {"name": above.name}
    context = {
        "form": form,
        "heading": say("Set the rules of projects"),
        "text": text,
        "domain": domain,
        "back": reverse("portal:domain", args=[uuid]),
        **asked(request, "PUT", f"project-rules/{uuid}/", form),
    }
    return render(request, "portal/projects/form.html", context, status=422 if form.errors else 200)
