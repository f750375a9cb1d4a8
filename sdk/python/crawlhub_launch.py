"""How the server starts a spider that is not simply a script.

    crawlhub_launch.py scrapy NAME             crawl with a Scrapy project, which needs no change
    crawlhub_launch.py call MODULE:FUNCTION    call a function with the run's parameters

The working directory is the spider's. CRAWLHUB_PARAMS holds the parameters, as JSON.
"""

import asyncio
import collections.abc
import importlib
import importlib.util
import inspect
import json
import operator
import os
import sys
import traceback

SUPPORT_DIR = os.path.dirname(os.path.abspath(__file__))


def main(argv):
    if len(argv) != 2 or argv[0] not in ("scrapy", "call"):
        refuse("usage: crawlhub_launch.py scrapy NAME | call MODULE:FUNCTION")
    order_import_path(os.getcwd())
    if argv[0] == "scrapy":
        crawl(argv[1])
    else:
        call(argv[1])


def refuse(sentence):
    print("crawlhub: " + sentence, file=sys.stderr, flush=True)
    sys.exit(2)


def order_import_path(first):
    """The spider's own files win; ours, which Python put first, come last."""
    ours = [path for path in sys.path if path and os.path.realpath(path) == os.path.realpath(SUPPORT_DIR)]
    sys.path[:] = [first] + [path for path in sys.path if path and path != first and path not in ours]
    sys.path.append(SUPPORT_DIR)


def load_sdk():
    """Our SDK: as the spider imports it, or under a private name where the spider brings its own."""
    file = os.path.join(SUPPORT_DIR, "crawlhub.py")
    found = importlib.util.find_spec("crawlhub")
    if found is not None and found.origin and os.path.realpath(found.origin) == os.path.realpath(file):
        return importlib.import_module("crawlhub")
    spec = importlib.util.spec_from_file_location("_crawlhub_platform_sdk", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# --- scrapy ---------------------------------------------------------------------------------------

def crawl(name):
    try:
        from scrapy.cmdline import execute
        from scrapy.utils.project import get_project_settings
    except ImportError as error:
        refuse("Scrapy cannot be imported ({}); add it to requirements.txt or to the image".format(error))
    project = find_project(os.getcwd())
    os.chdir(project)
    order_import_path(project)
    sdk = load_sdk()
    use_task_proxy(sdk.get_proxy())
    settings = get_project_settings()
    overlay(settings, name, sdk)
    execute(["scrapy", "crawl", name] + spider_arguments(sdk.get_params()), settings)


def find_project(directory):
    """The directory of scrapy.cfg: this one, or the only sub-directory that has one."""
    if os.path.isfile(os.path.join(directory, "scrapy.cfg")):
        return directory
    found = sorted(entry.name for entry in os.scandir(directory)
                   if entry.is_dir() and os.path.isfile(os.path.join(entry.path, "scrapy.cfg")))
    if not found:
        refuse("there is no scrapy.cfg in the spider's files; a Scrapy project has one at its root")
    if len(found) > 1:
        refuse("more than one directory has a scrapy.cfg: " + ", ".join(found))
    return os.path.join(directory, found[0])


def use_task_proxy(proxy):
    # Scrapy's HttpProxyMiddleware reads these; the SDK's own calls pass by them.
    if proxy:
        os.environ.setdefault("http_proxy", proxy)
        os.environ.setdefault("https_proxy", proxy)


def spider_arguments(params):
    """``-a`` takes text: text stays as it is, anything else becomes JSON."""
    arguments = []
    for key, value in params.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        arguments.append("-a{}={}".format(key, text))
    return arguments


def overlay(settings, name, sdk):
    """Lay the task's limits and our extension over what the project and the spider set."""
    wanted = final_settings(settings, name)
    # Both open a port into the running spider.
    settings.set("TELNETCONSOLE_ENABLED", False, priority="cmdline")
    settings.set("REMOTE_CONTROL_ENABLED", False, priority="cmdline")
    rate = sdk._number("CRAWLHUB_RATE_LIMIT", 0)
    if rate > 0:
        delay = max(1.0 / rate, wanted.getfloat("DOWNLOAD_DELAY"))
        settings.set("DOWNLOAD_DELAY", delay, priority="cmdline")
    most = int(sdk._number("CRAWLHUB_MAX_ITEMS", 0))
    if most > 0:
        own = wanted.getint("CLOSESPIDER_ITEMCOUNT")
        settings.set("CLOSESPIDER_ITEMCOUNT", min(own, most) if own else most, priority="cmdline")
    if not has_crawlhub_pipeline(wanted):
        extensions = wanted.getdict("EXTENSIONS")
        extensions[extension(sdk)] = 0
        settings.set("EXTENSIONS", extensions, priority="cmdline")


def final_settings(settings, name):
    """The settings as the spider will see them, its custom_settings included.

    They have to be known beforehand, for a setting of command-line priority replaces theirs.
    """
    from scrapy.utils.misc import load_object
    wanted = settings.copy()
    try:
        loader = load_object(settings["SPIDER_LOADER_CLASS"]).from_settings(wanted)
        loader.load(name).update_settings(wanted)
    except Exception:
        pass  # Scrapy is about to meet the same trouble, and says it better
    return wanted


def has_crawlhub_pipeline(settings):
    for pipeline, order in settings.getdict("ITEM_PIPELINES").items():
        name = pipeline if isinstance(pipeline, str) else pipeline.__name__
        if order is not None and name.endswith("CrawlHubPipeline"):
            return True
    return False


def extension(sdk):
    """The Scrapy extension that hands each item, as the project's pipelines left it, to our SDK."""
    from scrapy import signals
    pipeline = sdk.CrawlHubPipeline()

    class CrawlHubItems:
        @classmethod
        def from_crawler(cls, crawler):
            items = cls()
            crawler.signals.connect(items.item_scraped, signal=signals.item_scraped)
            return items

        def item_scraped(self, item):
            pipeline.process_item(item)

    return CrawlHubItems


# --- call -----------------------------------------------------------------------------------------

def call(target):
    module, _, function = target.partition(":")
    if not module or not function:
        refuse("the entry point has to be module:function, not " + repr(target))
    sys.argv = [module]
    sdk = load_sdk()
    try:
        function = operator.attrgetter(function)(importlib.import_module(module))
        result = run(function, sdk)
    except Exception as error:
        show_error(error)
        sys.exit(1)
    if isinstance(result, (list, tuple, dict)):
        write_result(sdk._encode(result))


def run(function, sdk):
    """Call the function to its end; what it yields is saved, what it returns is given back."""
    result = function(*arguments(function, sdk.get_params()))
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        result = asyncio.run(settle(result, sdk))
    if isinstance(result, collections.abc.Iterator):
        for item in result:
            if not sdk.save_item(item):
                break
        return None
    return result


def arguments(function, params):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return (params,)
    takes = any(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    return (params,) if takes else ()


async def settle(result, sdk):
    if inspect.isawaitable(result):
        result = await result
    if not inspect.isasyncgen(result):
        return result
    async for item in result:
        if not sdk.save_item(item):
            await result.aclose()
            break
    return None


def show_error(error):
    """The traceback from the spider's first frame on; the way there is of no interest."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [index for index, frame in enumerate(frames) if frame.filename == __file__]
    shown = ours[-1] + 1 if ours else 0
    while shown < len(frames) and is_import_machinery(frames[shown].filename):
        shown += 1
    trace = error.__traceback__
    for _ in range(shown):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
    sys.stderr.flush()


def is_import_machinery(filename):
    return filename.startswith("<frozen importlib") or filename == importlib.__file__


def write_result(content):
    path = os.environ.get("CRAWLHUB_RESULT_FILE")
    if not path:
        print(content.decode("utf-8"), flush=True)
        return
    with open(path + ".tmp", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main(sys.argv[1:])
