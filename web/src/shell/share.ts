import { t } from '../i18n/language.svelte';
import { toast } from './toasts.svelte';

/** Offers the device's share sheet where there is one, and copies the address elsewhere. */
export async function share(title: string, address: string): Promise<void> {
  if (navigator.share && matchMedia('(pointer: coarse)').matches) {
    try {
      await navigator.share({ title, url: address });
      return;
    } catch (failure) {
      if (failure instanceof DOMException && failure.name === 'AbortError') return;
    }
  }
  await copy(address, t().watch.linkCopied);
}

export async function copy(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast(t().common.copyFailed, 'bad');
  }
}
