"""A real browser for the tests: serve a folder, open its pages in headless Chromium, see what it saw.

Chromium is driven over its own protocol (DevTools, a web socket), one tab for all pages."""
import asyncio, json, os, shutil, signal, subprocess, tempfile, threading
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import SkipTest
from tornado.websocket import websocket_connect

names = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
flags = '--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-dev-shm-usage'.split()

def find_browser() -> str: # Path of a browser; without one the test is skipped, or fails where the environment says `CI`
    "Chromium or Chrome of this machine"
    for o in names:
        if found := shutil.which(o): return found
    raise (RuntimeError if os.environ.get('CI') else SkipTest)('no Chromium: install it (on Debian, `apt-get install chromium`) to run this test')

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@contextmanager
def serve(
    folder:Path, # What to serve
): # The address
    "A web server for `folder`, on this machine only"
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try: yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()

class Tab:
    "A page of a browser"
    def __init__(self, socket): self.socket,self.events,self.replies,self.sent = socket,[],{},0

    async def listen(self):
        "Keep what the browser says"
        while (text := await self.socket.read_message()) is not None:
            said = json.loads(text)
            if 'id' in said: self.replies[said['id']].set_result(said)
            else: self.events.append(said)

    async def do(self,
        method:str, # A method of the DevTools protocol
        **params, # Its parameters
    ) -> dict: # Its result
        "Ask the browser for one thing"
        self.sent += 1
        reply = self.replies[self.sent] = asyncio.get_running_loop().create_future()
        await self.socket.write_message(json.dumps({'id': self.sent, 'method': method, 'params': params}))
        said = await asyncio.wait_for(reply, 30)
        if 'error' in said: raise RuntimeError(f"{method}: {said['error']['message']}")
        return said['result']

    async def js(self,
        code:str, # An expression; a promise is awaited
    ): # Its value
        "The value of JavaScript `code` on the page"
        res = await self.do('Runtime.evaluate', expression=code, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in res: raise RuntimeError(f"{code}: {res['exceptionDetails'].get('exception', {}).get('description')}")
        return res['result'].get('value')

    async def open(self,
        url:str, # Address
    ) -> list[str]: # What went wrong: exceptions, errors in the console, requests that failed
        "Open `url` and wait until it has loaded"
        self.events.clear()
        await self.do('Page.navigate', url=url)
        async with asyncio.timeout(30):
            while not any(o['method']=='Page.loadEventFired' for o in self.events): await asyncio.sleep(.01)
        await self.js('new Promise(f => requestAnimationFrame(() => setTimeout(f, 50)))')
        return [o for o in map(complaint, self.events) if o]

    async def refuse_workers(self):
        "Let the scripts of the pages to come start no worker"
        code = 'window.Worker = class extends EventTarget { postMessage() {} terminate() {} }'
        self.refusal = (await self.do('Page.addScriptToEvaluateOnNewDocument', source=code))['identifier']

    async def allow_workers(self):
        "Take that back"
        await self.do('Page.removeScriptToEvaluateOnNewDocument', identifier=self.refusal)

    def requests(self): return [o['params']['request']['url'] for o in self.events if o['method']=='Network.requestWillBeSent']

def complaint(event):
    "What `event` of the browser says went wrong, if anything"
    kind,o = event['method'],event['params']
    if kind=='Runtime.exceptionThrown': return o['exceptionDetails'].get('exception', {}).get('description') or o['exceptionDetails']['text']
    if kind=='Runtime.consoleAPICalled' and o['type'] in ('error', 'assert'): return ' '.join(str(a.get('value')) for a in o['args'])
    if kind=='Log.entryAdded' and o['entry']['level']=='error': return f"{o['entry']['text']} {o['entry'].get('url', '')}"
    if kind=='Network.loadingFailed' and not o.get('canceled'): return o['errorText']

async def socket_of(process, profile):
    "The web socket of the first tab of the browser `process`, which writes its port into `profile`"
    import tornado.httpclient
    told = Path(profile)/'DevToolsActivePort'
    async with asyncio.timeout(30):
        while not (told.exists() and told.read_text().count('\n')):
            if process.poll() is not None: raise RuntimeError(f'the browser ended with status {process.returncode}')
            await asyncio.sleep(.02)
        port = told.read_text().split()[0]
        tabs = await tornado.httpclient.AsyncHTTPClient().fetch(f'http://127.0.0.1:{port}/json')
    return await websocket_connect(next(o['webSocketDebuggerUrl'] for o in json.loads(tabs.body) if o['type']=='page'), max_message_size=1<<28)

@asynccontextmanager
async def browser(
    width:int=1280, height:int=900, # Size of the window
):
    "A headless browser with one tab"
    path = find_browser()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        args = [path, *flags, f'--user-data-dir={profile}', f'--window-size={width},{height}', '--remote-debugging-port=0', 'about:blank']
        process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ|{'TMPDIR': profile}, start_new_session=True)
        try:
            tab = Tab(await socket_of(process, profile))
            listening = asyncio.create_task(tab.listen())
            for o in ('Page', 'Runtime', 'Log', 'Network'): await tab.do(f'{o}.enable')
            yield tab
            listening.cancel()
            tab.socket.close()
        finally:
            os.killpg(process.pid, signal.SIGKILL) # its helpers too: they would write into the profile after it is gone
            process.wait()
