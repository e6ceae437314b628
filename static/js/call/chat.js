/** The chat panel: list, unread count, sending. */
import { byID, el } from '../dom.js';
import { t, time } from '../text.js';

/**
 * @param {import('../../sdk/showroom.js').Showroom} room
 * @param {(text: string) => void} toast
 */
export function chatPanel(room, toast) {
  const panel = byID('chat');
  const list = byID('chat-list');
  const input = byID('chat-input');
  const toggle = byID('chat-toggle');
  const unread = byID('unread');
  let unseen = 0;

  function show(open) {
    panel.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
    if (open) {
      unseen = 0;
      unread.hidden = true;
      list.scrollTop = list.scrollHeight;
      input.focus();
    } else {
      toggle.focus();
    }
  }

  function line(m) {
    const own = m.participant === room.you?.id;
    return el('div', { class: own ? 'line own' : 'line', testid: 'chat-message' },
      el('small', {}, `${own ? t('call.you') : m.name} · ${time(m.at)}`), el('p', {}, m.text));
  }

  function render() {
    list.replaceChildren(...(room.messages.length ? room.messages.map(line) : [el('p', { class: 'nothing' }, t('chat.empty'))]));
    list.scrollTop = list.scrollHeight;
  }

  function arrived(m) {
    if (list.querySelector('.nothing')) list.replaceChildren();
    list.append(line(m));
    list.scrollTop = list.scrollHeight;
    if (!panel.hidden || m.participant === room.you?.id) return;
    unread.textContent = String(++unseen);
    unread.hidden = false;
    toast(`${m.name}: ${m.text.length > 90 ? `${m.text.slice(0, 90)}…` : m.text}`);
  }

  const listeners = {
    toggle: () => show(panel.hidden),
    close: () => show(false),
    submit: (e) => {
      e.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      if (room.say(text)) input.value = '';
      else toast(t('chat.notSent'));
    },
    keydown: (e) => { if (e.key === 'Escape') { e.stopPropagation(); show(false); } },
  };
  toggle.onclick = listeners.toggle;
  byID('chat-close').onclick = listeners.close;
  byID('chat-form').onsubmit = listeners.submit;
  panel.onkeydown = listeners.keydown;
  render();
  return { toggle: listeners.toggle, arrived, render };
}
