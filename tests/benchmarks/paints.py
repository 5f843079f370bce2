"""How long a browser takes until it shows something of a page."""

from tests.browser.chromium import find_chromium, open_browser, open_page

_FIRST_PAINT = """
() => new Promise(resolve => {
  const observer = new PerformanceObserver(list => {
    const entry = list.getEntriesByName("first-contentful-paint")[0];
    if (entry) { observer.disconnect(); resolve(entry.startTime); }
  });
  observer.observe({ type: "paint", buffered: true });
})
"""


async def first_paints(urls: list[str], rounds: int) -> list[list[float]]:
    """Return for each of *urls* the milliseconds until its first contentful paint, a value a round, without a cache.

    RuntimeError if there is no Chromium.
    """
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("Chromium is missing: install it, or name the other figures")
    async with open_browser(executable) as browser:
        values: list[list[float]] = [[] for _ in urls]
        for number in range(rounds + 1):
            for url, found in zip(urls, values, strict=True):
                async with open_page(browser, url) as page:
                    at = await page.evaluate(_FIRST_PAINT)
                if number:  # the first round starts processes of the browser
                    found.append(at)
    return values
