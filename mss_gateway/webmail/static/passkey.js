// Passkeys: the only work of this script. A form with data-passkey is shown when the browser can
// make or show passkeys; its button asks the authenticator and sends what it answers.
"use strict";

(function () {
  function fromText(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (one) { return one.charCodeAt(0); }).buffer;
  }

  function toText(octets) {
    if (!octets) { return null; }
    var plain = String.fromCharCode.apply(null, new Uint8Array(octets));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function opened(options) {
    options.challenge = fromText(options.challenge);
    if (options.user) { options.user.id = fromText(options.user.id); }
    ["excludeCredentials", "allowCredentials"].forEach(function (name) {
      (options[name] || []).forEach(function (one) { one.id = fromText(one.id); });
    });
    return options;
  }

  function told(credential) {
    var answer = credential.response, response = { clientDataJSON: toText(answer.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (answer[name]) { response[name] = toText(answer[name]); }
    });
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response: response,
      clientExtensionResults: {}
    });
  }

  function prepare(form) {
    var trouble = form.querySelector("[data-trouble]");
    form.hidden = false;
    form.addEventListener("submit", function (event) {
      if (form.elements.reponse.value) { return; }
      event.preventDefault();
      trouble.hidden = true;
      var options = opened(JSON.parse(form.dataset.options));
      var asked = form.dataset.passkey === "make"
        ? navigator.credentials.create({ publicKey: options })
        : navigator.credentials.get({ publicKey: options });
      asked.then(function (credential) {
        form.elements.reponse.value = told(credential);
        form.submit();
      }).catch(function () { trouble.hidden = false; });
    });
  }

  if (window.PublicKeyCredential && navigator.credentials) {
    document.querySelectorAll("form[data-passkey]").forEach(prepare);
    document.querySelectorAll("[data-without-passkeys]").forEach(function (one) { one.hidden = true; });
  }
})();
