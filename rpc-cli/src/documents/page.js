// Leaves of the page what holds all words that are searched for.
const search = document.createElement("input");
search.type = "search";
search.placeholder = "Search ( / )";
search.ariaLabel = "Search services, methods and types";
document.querySelector("nav strong").after(search);
const articles = [...document.querySelectorAll("article")];
const texts = new Map(articles.map((article) => [article, `${article.id} ${article.textContent}`.toLowerCase()]));
const links = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.hash.slice(1), link.parentElement]));
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const article of articles) {
    article.hidden = !words.every((word) => texts.get(article).includes(word));
    links.get(encodeURIComponent(article.id))?.toggleAttribute("hidden", article.hidden);
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = words.some(Boolean) && section.querySelector("article:not([hidden])") === null;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
