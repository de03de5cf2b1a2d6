-- CreateTable
CREATE TABLE "alarm_transition" (
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "alarm" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "role" TEXT NOT NULL,
    "from_state" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "alarm_transition_pkey" PRIMARY KEY ("namespace","group","alarm","region","at")
);

-- CreateTable
CREATE TABLE "last_report" (
    "uid" TEXT NOT NULL,
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "boot_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "connections" INTEGER NOT NULL,
    "publishers" INTEGER NOT NULL,
    "subscribers" INTEGER NOT NULL,
    "cpu_percent" DOUBLE PRECISION,
    "memory_percent" DOUBLE PRECISION,
    "egress_mbps" DOUBLE PRECISION,
    "last_report_at" TIMESTAMPTZ(3) NOT NULL,
    "last_traffic_at" TIMESTAMPTZ(3),

    CONSTRAINT "last_report_pkey" PRIMARY KEY ("uid")
);

-- CreateIndex
CREATE INDEX "alarm_transition_namespace_group_at_idx" ON "alarm_transition"("namespace", "group", "at");

-- CreateIndex
CREATE INDEX "alarm_transition_at_idx" ON "alarm_transition"("at");

-- CreateIndex
CREATE INDEX "last_report_namespace_group_idx" ON "last_report"("namespace", "group");

-- CreateIndex
CREATE INDEX "node_life_closed" ON "node_life"("closed_at") WHERE ("closed_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "stream_ended" ON "stream"("ended_at") WHERE ("ended_at" IS NOT NULL);

-- Each row is written anew at every report: half of a page is left for that, so that the table does not grow.
ALTER TABLE "last_report" SET (fillfactor = 50);
