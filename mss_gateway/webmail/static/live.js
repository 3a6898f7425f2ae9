// Live update: the only work of this script. While the page is looked at, it listens to numbers
// and says, beside the rubrics and in one line, that something came. It never loads a page again.
"use strict";

(function () {
  var place = document.getElementById("direct"), badge = document.getElementById("non-lus");
  if (!place || !badge || !window.EventSource) { return; }
  var words = place.dataset;
  var known = { messages: Number(words.messages), documents: Number(words.documents) };
  var FIRST = 5000, LONGEST = 300000, wait = FIRST, source = null, later = 0, said = "";

  function counted(number, one, many) {
    return number === 1 ? one : many.replace("{n}", String(number));
  }

  function mark(unseen) {
    badge.hidden = unseen === 0;
    badge.firstElementChild.textContent = unseen > 99 ? "99+" : String(unseen);
    badge.lastElementChild.textContent =
      " " + counted(unseen, badge.dataset.one, badge.dataset.many);
  }

  function line(text, address, word) {
    var paragraph = document.createElement("p"), link = document.createElement("a");
    link.href = address;
    link.textContent = word;
    paragraph.append(text + " — ", link);
    return paragraph;
  }

  function tell(numbers) {
    mark(numbers.messages);
    known.messages = Math.min(known.messages, numbers.messages);
    known.documents = Math.min(known.documents, numbers.documents);
    var messages = numbers.messages - known.messages;
    var documents = numbers.documents - known.documents;
    if (said === messages + " " + documents) { return; }
    said = messages + " " + documents;
    place.replaceChildren();
    if (messages) {
      place.append(line(
        counted(messages, words.oneMessage, words.manyMessages), "/messages/recus", words.refresh
      ));
    }
    if (documents) {
      place.append(line(
        counted(documents, words.oneDocument, words.manyDocuments), "/dossier?ordre=arrivee",
        words.see
      ));
    }
  }

  function close() {
    clearTimeout(later);
    if (source) { source.close(); }
    source = null;
  }

  function listen() {
    close();
    source = new EventSource("/en-direct");
    source.onmessage = function (event) {
      wait = FIRST;
      tell(JSON.parse(event.data));
    };
    source.addEventListener("fin", close);
    source.onerror = function () {
      close();
      later = setTimeout(listen, wait * (0.5 + Math.random()));
      wait = Math.min(2 * wait, LONGEST);
    };
  }

  function follow() {
    wait = FIRST;
    if (document.visibilityState === "visible") { listen(); } else { close(); }
  }

  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", close);
  follow();
})();
