/** The player's keys. They rest while the reader writes or uses a control that wants the key itself. */
import type { Player } from './player.svelte';

export interface KeyCommands {
  fullscreen: () => void;
  pictureInPicture: () => void;
  heart: () => void;
}

/** Whether the key was one of ours and has done its work. */
export function playerKey(event: KeyboardEvent, player: Player, commands: KeyCommands): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || wantsKey(event)) return false;
  switch (event.code) {
    case 'Space':
    case 'KeyK':
      player.toggle();
      return true;
    case 'KeyM':
      player.setMuted(!player.muted);
      return true;
    case 'KeyF':
      commands.fullscreen();
      return true;
    case 'KeyP':
      commands.pictureInPicture();
      return true;
    case 'KeyL':
      player.goLive();
      return true;
    case 'KeyH':
      commands.heart();
      return true;
    case 'ArrowLeft':
      player.step(-1);
      return true;
    case 'ArrowRight':
      player.step(1);
      return true;
    default:
      return false;
  }
}

function wantsKey(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  const pressable = /^(BUTTON|A|SUMMARY)$/.test(target.tagName) || target.getAttribute('role') === 'menuitem';
  return pressable && event.code === 'Space';
}
