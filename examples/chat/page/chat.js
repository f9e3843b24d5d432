// The chat in a page: the client comes from the port itself. Keeps a membership, and joins again when it is lost.

import { AppError, channel, Chat, ChatError, chatEventsHandler, StatusError } from "/client.js";

const at = (id) => document.getElementById(id);
/** Milliseconds that a call may take. */
const PATIENCE = 10_000;
/** Lines that are shown of a room. */
const SHOWN = 1000;

/** The membership: `session` proves it, while there is one. */
const me = { nick: "", room: "", session: undefined, joined: false, to: undefined };
/** The messages of the room that were shown, to tell what is new when it is joined again. */
let seen = [];
/** What was typed and is not sent: one message after the other. */
const outbox = [];
/** Ends the stay in a room. */
let stay = new AbortController();
let sending = false;

const way = channel({
  name: "chat page",
  firstDelay: 100,
  longestDelay: 5000,
  handlers: [chatEventsHandler({ private: (line) => showWhisper(line.nick, line.nick, line.text) })],
  onState: (state) => {
    const words = { connecting: "connecting …", waiting: "no connection, trying again …", idle: "connection lost" };
    at("link").textContent = words[state] ?? "";
  },
});
const chat = new Chat(way);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stays in rooms, one after the other, until this member leaves. */
async function live() {
  while (me.room !== "") {
    stay = new AbortController();
    try {
      for await (const event of chat.join(me.nick, me.room, { signal: stay.signal })) show(event);
      // The server has let it go: it was too slow, or has left.
      me.session = undefined;
    } catch (error) {
      me.session = undefined;
      if (stay.signal.aborted) continue;
      if (AppError.is(error, ChatError)) {
        const taken = error.value.kind === "NickTaken";
        // The server may not have noticed yet that the connection before is gone: the nickname is this member's.
        if (!taken || !me.joined) return refuse(words(error.value));
      } else if (!(error instanceof StatusError)) {
        throw error;
      }
      if (!me.joined) at("refused").textContent = error.message;
      await pause(300);
    }
  }
}

/** An error of the chat in words. */
function words(error) {
  switch (error.kind) {
    case "NickTaken":
      return `Somebody is called ${error.value} already.`;
    case "BadName":
      return "Names have 1 to 20 letters, digits, - and _.";
    case "TooLong":
      return `A message has at most ${error.limit} bytes.`;
    case "NoSuchMember":
      return `Nobody is called ${error.value}.`;
    case "Unreachable":
      return `${error.value} could not be reached.`;
    default:
      return "Not in a room.";
  }
}

function refuse(why) {
  me.room = "";
  at("refused").textContent = why;
  at("chat").hidden = true;
  at("door").hidden = false;
  at("nick").select();
}

function show(event) {
  switch (event.kind) {
    case "Welcome":
      return welcome(event);
    case "Said":
      seen.push(event.value);
      showLine(event.value);
      break;
    case "Joined":
      people.add(event.value);
      showEvent(`${event.value} came in`);
      break;
    case "Left":
      people.delete(event.value);
      if (event.value === me.to) address(undefined);
      showEvent(`${event.value} left`);
      break;
    case "Dropped":
      showEvent(`${event.missed} messages were too fast for this page`);
  }
  drawPeople();
  void drawRooms();
}

const people = new Set();

function welcome({ session, history, members }) {
  const again = me.joined;
  [me.session, me.joined] = [session, true];
  people.clear();
  for (const member of members) people.add(member);
  at("door").hidden = true;
  at("chat").hidden = false;
  at("refused").textContent = "";
  at("where").textContent = `# ${me.room}`;
  document.title = `#${me.room} · chat`;
  const news = unseen(history);
  for (const line of news) showLine(line);
  seen.push(...news);
  showEvent(again ? "in again" : `welcome, ${me.nick}`);
  drawPeople();
  void drawRooms();
  void send();
  if (!again) at("text").focus();
}

/** What of a history was not shown: what stands behind the longest beginning with which the lines that were shown end. */
function unseen(history) {
  const same = (one, other) => one.nick === other.nick && one.text === other.text;
  for (let size = Math.min(history.length, seen.length); size > 0; size -= 1) {
    const end = seen.slice(-size);
    if (end.every((line, index) => same(line, history[index]))) return history.slice(size);
  }
  return history;
}

const tone = (nick) => [...nick].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 8, 7);

function face(nick) {
  const round = document.createElement("span");
  round.className = `face tone-${tone(nick)}`;
  round.textContent = [...nick].slice(0, 2).join("").toUpperCase();
  round.ariaHidden = "true";
  return round;
}

let last = "";

/** Puts a line in the log; `kind` says how it looks. */
function put(nick, text, kind, who) {
  const line = document.createElement("div");
  line.className = `line ${kind}`;
  if (last !== `${nick} ${kind}`) {
    const name = document.createElement("span");
    name.className = "who";
    name.textContent = `${who ?? nick} · ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
    line.classList.add("first");
    line.append(name, face(nick));
  }
  last = `${nick} ${kind}`;
  const said = document.createElement("div");
  said.className = "said";
  said.textContent = text;
  line.append(said);
  append(line);
  return line;
}

function append(element) {
  const log = at("log");
  const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  // What is not sent yet stays below what is.
  const waiting = log.querySelector(".unsent");
  if (waiting !== null && !element.classList.contains("unsent")) waiting.before(element);
  else log.append(element);
  while (log.children.length > SHOWN) log.firstChild.remove();
  if (follow) log.scrollTop = log.scrollHeight;
}

function showLine({ nick, text }) {
  put(nick, text, nick === me.nick ? "mine" : "");
}

function showWhisper(face, nick, text, to) {
  put(face, text, "whisper", to === undefined ? `${nick}, to you alone` : `you, to ${to} alone`);
}

function showEvent(text) {
  const event = document.createElement("div");
  event.className = "event";
  event.textContent = text;
  last = "";
  append(event);
}

function drawPeople() {
  at("count").textContent = `${people.size} here`;
  at("members").replaceChildren(
    ...[...people].sort().map((nick) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.disabled = nick === me.nick;
      button.append(face(nick), nick === me.nick ? `${nick} (you)` : nick);
      button.title = nick === me.nick ? "" : `Write to ${nick} alone`;
      button.addEventListener("click", () => address(nick));
      item.append(button);
      return item;
    }),
  );
}

async function drawRooms() {
  const rooms = await chat.rooms({ timeout: PATIENCE }).catch(() => undefined);
  if (rooms === undefined) return;
  at("rooms").replaceChildren(
    ...rooms.map(({ name, members }) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const number = document.createElement("span");
      button.type = "button";
      if (name === me.room) button.setAttribute("aria-current", "true");
      number.className = "number";
      number.textContent = String(members);
      button.append(`# ${name}`, number);
      button.addEventListener("click", () => void move(name));
      item.append(button);
      return item;
    }),
  );
}

/** Chooses to whom is written: everybody, or one. */
function address(nick) {
  me.to = nick;
  at("private").hidden = nick === undefined;
  at("private").textContent = `to ${nick ?? ""} ×`;
  at("text").placeholder = nick === undefined ? "Say something" : `To ${nick} alone`;
  closeMenu();
  at("text").focus();
}

async function move(room) {
  closeMenu();
  if (room === me.room || room === "") return;
  if (me.session !== undefined) {
    // Told before the new room is asked for: the nickname is free then.
    await chat.leave(me.session, { timeout: PATIENCE }).catch(() => undefined);
  }
  me.room = room;
  me.session = undefined;
  me.joined = false;
  seen = [];
  at("log").replaceChildren();
  history.replaceState(null, "", `#${room}`);
  stay.abort();
}

/** Sends what was typed, in its order, while there is a membership. */
async function send() {
  if (sending) return;
  sending = true;
  while (outbox.length > 0 && me.session !== undefined) {
    const [{ text, line }] = outbox;
    try {
      await chat.say(me.session, text, { timeout: PATIENCE });
      outbox.shift();
      line.remove();
    } catch (error) {
      const over = AppError.is(error, ChatError) && error.value.kind === "NotJoined";
      const unsent = error instanceof StatusError && !error.mayHaveRun;
      // It goes again with the next membership: nobody has got it.
      if (over || unsent) {
        me.session = over ? undefined : me.session;
        break;
      }
      outbox.shift();
      doubt(line, text, AppError.is(error, ChatError) ? words(error.value) : "It is not known if this was sent.");
    }
  }
  sending = false;
}

function doubt(line, text, why) {
  const note = document.createElement("span");
  const again = document.createElement("button");
  note.className = "note";
  note.textContent = why;
  again.type = "button";
  again.textContent = "Send again";
  again.addEventListener("click", () => {
    line.remove();
    say(text);
  });
  note.append(again);
  line.append(note);
}

function say(text) {
  const line = put(me.nick, text, "mine unsent");
  outbox.push({ text, line });
  void send();
}

async function whisper(to, text) {
  try {
    await chat.tell(me.session, to, text, { timeout: PATIENCE });
    showWhisper(me.nick, me.nick, text, to);
  } catch (error) {
    showEvent(AppError.is(error, ChatError) ? words(error.value) : `${to} was not told: ${error.message}`);
  }
}

function closeMenu() {
  at("side").classList.remove("open");
  at("menu").setAttribute("aria-expanded", "false");
}

at("door").addEventListener("submit", (event) => {
  event.preventDefault();
  at("refused").textContent = "";
  me.nick = at("nick").value;
  me.room = at("room").value;
  me.joined = false;
  localStorage.setItem("chat-nick", me.nick);
  history.replaceState(null, "", `#${me.room}`);
  void live();
});
at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text === "") return;
  at("text").value = "";
  at("log").scrollTop = at("log").scrollHeight;
  if (me.to === undefined) say(text);
  else void whisper(me.to, text);
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("composer").requestSubmit();
  } else if (event.key === "Escape") {
    address(undefined);
  }
});
at("private").addEventListener("click", () => address(undefined));
at("other").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(at("another").value.trim());
  at("another").value = "";
});
at("leave").addEventListener("click", () => {
  me.room = "";
  stay.abort();
  closeMenu();
  at("log").replaceChildren();
  seen = [];
  at("chat").hidden = true;
  at("door").hidden = false;
});
at("menu").addEventListener("click", () => {
  const open = at("side").classList.toggle("open");
  at("menu").setAttribute("aria-expanded", String(open));
});
setInterval(() => {
  if (me.session !== undefined && document.visibilityState === "visible") void drawRooms();
}, 5000);
at("nick").value = localStorage.getItem("chat-nick") ?? "";
if (location.hash.length > 1) at("room").value = decodeURIComponent(location.hash.slice(1));
