(() => {
  const form = document.querySelector("form.filter");
  const claims = [...document.querySelectorAll("article.claim")];
  form.hidden = false;
  const apply = () => {
    const { words, verdict, provenance, strength } = Object.fromEntries(new FormData(form));
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    for (const claim of claims) {
      const text = claim.querySelector("header, .statement").textContent.toLowerCase()
        + claim.querySelector(".statement").textContent.toLowerCase();
      claim.hidden = !((!verdict || claim.dataset.verdict === verdict)
        && (!provenance || claim.dataset.provenance === provenance)
        && (!strength || claim.dataset.strength === strength)
        && wanted.every((word) => text.includes(word)));
    }
    const shown = claims.filter((claim) => !claim.hidden).length;
    form.querySelector("output").textContent = shown === claims.length ? "" : `${shown} of ${claims.length}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) { form.reset(); apply(); target.scrollIntoView(); }
  });
})();
