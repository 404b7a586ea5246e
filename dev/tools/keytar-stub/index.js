"use strict";

function unavailable() {
  throw new Error("keytar is left out of this installation: `swa login` and `swa deploy` need the full CLI");
}

module.exports = {
  getPassword: unavailable,
  setPassword: unavailable,
  deletePassword: unavailable,
  findPassword: unavailable,
  findCredentials: unavailable,
};
